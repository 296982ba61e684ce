"""What a Kea server says when it refuses."""


class KeaError(Exception):
    """A command or configuration Kea does not take; the text goes to the client as it is."""
