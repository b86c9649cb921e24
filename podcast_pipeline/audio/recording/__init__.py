"""A recording as it came: how it is opened, what its header says, how loud its parts are, what is wrong."""
