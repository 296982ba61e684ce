"""PATCH of an order: what it changes, and the plan that is redone for it."""
