"""Cancellation of an order under way: asked for, shown, carried out."""
