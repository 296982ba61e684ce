"""What keeps a server from starting."""


class ServeError(Exception):
    """The server cannot start here; the text says why and what to do."""


class DirectoryInUse(ServeError):
    """Another server has the data directory."""
