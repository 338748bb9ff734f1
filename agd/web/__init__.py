"""The HTTP face: limits, authentication, routes, streams."""
