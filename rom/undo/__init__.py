"""Rollback of one site: where to, what it takes, and the task that does it device by device."""
