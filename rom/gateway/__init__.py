"""What the faces call, grouped by what it is about."""
