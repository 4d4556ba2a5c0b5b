"""What a root holds, in numbers and in detail, and what happens to it right now."""
