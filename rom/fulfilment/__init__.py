"""Fulfilment: level-triggered handlers that take every item its next possible step."""
