"""The database: who may ask, what was asked and answered, and what the right answer was."""
