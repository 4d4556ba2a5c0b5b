"""From the fields of a product to what lies at each place of delivery: written once, checked, delivered, recorded."""
