"""ASGI middleware: response headers and the access log."""
