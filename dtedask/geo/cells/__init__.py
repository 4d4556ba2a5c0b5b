"""Cells of the points of a grid: what part of the Earth each stands for."""
