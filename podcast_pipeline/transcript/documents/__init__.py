"""Transcripts as documents for people: their title page, and Word."""
