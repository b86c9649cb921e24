"""Tests of podcast_pipeline.transcript.documents."""
