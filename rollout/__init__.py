"""The judge of a canary: a candidate that serves beside production, on a part of the requests."""
