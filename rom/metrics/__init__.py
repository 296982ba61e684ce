"""What monitoring asks of the engine, counted at the moment of the scrape."""
