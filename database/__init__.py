"""The database: who may ask, what was asked and answered, and what the right answer was."""

import logging

# Alembic tells of its plugins and its context at every look; of upgrades we tell ourselves.
logging.getLogger("alembic").setLevel(logging.WARNING)
