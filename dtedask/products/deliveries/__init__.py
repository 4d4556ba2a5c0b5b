"""Where products go: folders, object stores, cubes, HTTP servers."""
