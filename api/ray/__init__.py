"""Running the service and batches on Ray, which is installed only where somebody wants it."""
