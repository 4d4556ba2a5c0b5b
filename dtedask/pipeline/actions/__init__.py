"""The actions of plans, one module each; `dtedask.pipeline.action` finds them by their type."""
