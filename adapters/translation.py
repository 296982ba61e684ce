"""Turn a library's exceptions into ours: one explicit table a library, nothing falls through.

The message is built from the table alone. Library messages may quote buffers, statements or
credentials, so they are left to the exception chain, which is not logged.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from adapters.errors import AdapterError

Maker = Callable[[str, str], AdapterError]
"""Makes our error of (message, device)."""


class Translation:
    """A library's table; call it as a context manager around every use of the library."""

    def __init__(self, library: str, table: Mapping[type[BaseException], Maker]) -> None:
        self.library = library
        self.table = dict(table)
        self._types = tuple(kind for kind in self.table if issubclass(kind, Exception))

    def maps(self, kind: type[BaseException]) -> bool:
        """Tell whether ``kind`` itself is in the table, not only an ancestor of it."""
        return kind in self.table

    def translated(self, error: BaseException, device: str) -> AdapterError:
        """Return our error for ``error``, by its nearest class in the table.

        Raises KeyError for what the table does not know.
        """
        for kind in type(error).__mro__:
            if kind in self.table:
                return self.table[kind](f"{self.library}: {type(error).__name__}", device)
        raise KeyError(type(error))

    @contextmanager
    def __call__(self, device: str) -> Iterator[None]:
        """Raise the library's exceptions of the block as ours, ours and foreign ones untouched."""
        try:
            yield
        except AdapterError:
            raise
        except self._types as error:
            raise self.translated(error, device) from error


def maker(kind: type[AdapterError]) -> Maker:
    """Return a maker of ``kind``."""
    return lambda message, device: kind(message, device=device)


def table(
    groups: Mapping[type[AdapterError], tuple[type[BaseException], ...]],
) -> dict[type[BaseException], Maker]:
    """Return a table from our error to the library's classes that mean it."""
    return {theirs: maker(ours) for ours, kinds in groups.items() for theirs in kinds}
