"""What Alembic runs to upgrade the connection that it is lent, whose transaction is another's."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
