"""Housekeeping: what nobody needs any more goes, so that nothing grows for ever."""
