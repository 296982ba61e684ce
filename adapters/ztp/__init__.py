"""The HTTP service that a customer-premises router fetches its first configuration from."""
