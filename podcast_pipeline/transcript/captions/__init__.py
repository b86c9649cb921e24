"""Captions: WebVTT, SubRip, Podcasting 2.0 JSON, HTML and plain text."""
