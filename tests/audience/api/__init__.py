"""Tests of `audience.api`."""
