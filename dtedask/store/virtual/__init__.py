"""Files of others in a cube: fields that are referred to where they lie."""
