"""An existing FDB as a source of fields, read through pyfdb."""
