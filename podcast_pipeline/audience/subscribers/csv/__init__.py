"""Subscribers as CSV: `exporter` writes a file, `rows` parses one, `importer` imports it in batches."""
