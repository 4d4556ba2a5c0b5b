"""What a plan means by keys and values, and what actions do with them."""
