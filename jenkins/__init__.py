"""What a delivery asks of the system from outside: is it ready, does it answer, are there new data.

The stages of the pipeline are the scripts in ``stages/``; these are the parts of them that are
easier to say in Python. Nothing here is imported by what is delivered.
"""
