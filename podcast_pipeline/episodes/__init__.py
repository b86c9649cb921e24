"""The episode folders: created, read, edited."""
