"""Members of an ensemble: which ones there are, what is kept of them, and what their statistics are called."""
