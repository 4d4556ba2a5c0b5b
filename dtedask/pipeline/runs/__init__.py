"""A run of a plan: messages through chains of actions, errors, what is put aside, and what is told of it."""
