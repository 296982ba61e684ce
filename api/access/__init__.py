"""Who asks, what that one may do, and how often."""
