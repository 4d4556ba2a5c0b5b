"""What actions do with the numbers of a field, beside statistics."""
