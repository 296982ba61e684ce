"""Jobs are wake-ups only: what there is to do stands in the tables."""
