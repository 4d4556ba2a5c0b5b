"""What a plan says: read, checked, explained and drawn."""
