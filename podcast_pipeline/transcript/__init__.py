"""Transcripts: captions, transcript.md, edits, names, review, leaks of members-only text. Pure."""
