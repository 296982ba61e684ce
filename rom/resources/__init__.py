"""Resources as TMF639 shows them, and what clients may say of them."""
