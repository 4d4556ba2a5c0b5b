"""The sinks of plans, one module each; `dtedask.pipeline.sink` finds them by their type."""
