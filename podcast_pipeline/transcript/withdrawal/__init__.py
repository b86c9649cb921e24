"""Passages that are taken back: found in a transcript, removed from it, recognised by hashes."""
