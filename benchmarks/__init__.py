"""This service and its peers, measured one after the other on the same model and cores."""
