"""The checks of `podcast doctor`, by what they look at."""
