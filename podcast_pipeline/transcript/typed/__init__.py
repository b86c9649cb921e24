"""A transcript that somebody typed: its lines, turns and names, and how far the recording has its words."""
