"""How the schema came to be, one revision after another, as Alembic runs them."""
