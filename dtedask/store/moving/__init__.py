"""Fields between roots: copy, compare, move."""
