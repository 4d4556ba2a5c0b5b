"""What grids are made of: their names, their points, their rows."""
