"""The environment alembic runs every service's migrations in; `common.db.migrations` hands it the connection."""

from alembic import context

from common.db.tables import new_metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=new_metadata(),
    version_table_schema=context.config.attributes["schema"],
)
with context.begin_transaction():
    context.run_migrations()
