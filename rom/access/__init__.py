"""Who may do what: roles, limits by customer and site, tokens at rest."""
