"""What MIR's keywords do to fields: grids, areas, rotation, frames, bitmaps, harmonics, each as an operation."""
