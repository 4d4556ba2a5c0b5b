"""Plug-ins of earthkit-data: a root as a source of fields, and as a target for them.

earthkit-data finds them by their entry points; nothing of dtedask imports earthkit-data otherwise.
"""
