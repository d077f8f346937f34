"""The first stage: from a folder of images to a model in the registry's ``testing``."""
