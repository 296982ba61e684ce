"""The ROM itself: orders, catalog, fulfilment, the ledger of effects, and jobs that wake it."""
