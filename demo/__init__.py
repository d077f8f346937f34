"""The whole path on one machine: the stages run as the separate processes that they are."""
