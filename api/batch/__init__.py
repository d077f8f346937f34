"""Scoring a folder or a bucket of images, with exactly one result for each.

What is to be scored, and by which model, is written down before the first image is read. The images
are scored in blocks, and the results of a block become visible in one step, under a name that
follows from its place in the list. So a run that is killed at any point is gone on with by starting
it again, and nothing is scored twice or left out.
"""
