"""What is in every worker process: libraries loaded as it starts, constants that are loaded once, how it died."""
