"""Storage: PostgreSQL only, one schema, one dialect."""
