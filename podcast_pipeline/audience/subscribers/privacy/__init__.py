"""Personal data: what is recorded, exported on request, and deleted when it is old."""
