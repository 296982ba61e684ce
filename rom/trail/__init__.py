"""The trail: an append-only record of deeds, each chained to the one before it."""
