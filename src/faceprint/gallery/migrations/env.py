"""Run by Alembic: migrates over the connection that the caller put into the configuration."""

from alembic import context

from faceprint.gallery.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
