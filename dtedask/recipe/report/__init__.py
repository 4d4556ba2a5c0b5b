"""What is kept of each run of a recipe: what it did, how long its stages took, and what went wrong."""
