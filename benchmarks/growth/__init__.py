"""How the service grows: with cores, with processes, with its model and with its queue."""
