"""What became of each product: made, delivered, waiting for which input, late and why."""
