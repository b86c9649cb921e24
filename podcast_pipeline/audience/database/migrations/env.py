"""Runs the migrations on the connection that `upgrade` passes, inside its transaction."""

from alembic import context

from podcast_pipeline.audience.database.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
