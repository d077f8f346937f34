"""The revisions; each names the one that it follows."""
