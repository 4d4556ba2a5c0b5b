"""Profiles as documents: files with their lines, the values in effect, and where each was set."""
