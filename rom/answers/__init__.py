"""What the gateway answers besides TM Forum documents: frozen, with their names on the wire."""
