"""The nouns of the gateway: frozen, typed, pure. Everything else in ``rom`` is about them."""
