"""Alembic migrations of the schema, one file for each step; run by `upgrade`, never by hand."""
