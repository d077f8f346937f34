"""Accounts: who may ask the service, where not everybody may; nothing of this is imported else."""
