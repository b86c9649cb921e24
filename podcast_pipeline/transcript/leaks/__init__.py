"""Detect transcript text in public bytes."""
