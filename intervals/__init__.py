"""Confidence intervals, with nothing but the standard library, as every image has that."""
