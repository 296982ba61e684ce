"""One table a library: which of our errors each of its exceptions means."""
