"""From requirements to one plan: what exists, what each product needs, and which values several of them share."""
