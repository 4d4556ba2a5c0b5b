"""Streams of a model: its calls, domains and flushes, files in their order, and made runs."""
