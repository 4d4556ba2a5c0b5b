"""What is seen of a root otherwise than it lies there: hidden fields, fields under other keys, and fields re-keyed."""
