"""The model registry: versions of models, and which of them is in which stage."""
