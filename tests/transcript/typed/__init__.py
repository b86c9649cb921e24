"""Tests of podcast_pipeline.transcript.typed."""
