"""Subscribers as CSV: read, written, imported in batches."""
