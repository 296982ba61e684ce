"""Events on their way out: who listens, what is sent to whom, and what could not be."""
