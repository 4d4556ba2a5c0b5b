"""The past of a root: tags, differences between two states, and going back."""
