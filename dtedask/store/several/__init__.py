"""Several roots behind one handle: a document says which fields go where, and reads look into all of them."""
