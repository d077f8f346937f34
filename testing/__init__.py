"""The gate: judges the candidate in the testing stage, and promotes or refuses it.

Its words are gate, candidate, check and verdict. It is a stage of the product, not its tests.
"""
