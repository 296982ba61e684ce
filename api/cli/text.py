"""Makes text from elsewhere fit for a terminal."""

from rich.text import Text


def safe(value: object) -> str:
    """Return ``value`` as text in which control characters are shown, not obeyed."""
    return "".join(
        character if character.isprintable() or character in "\n\t" else f"\\x{ord(character):02x}"
        for character in str(value)
    )


def cell(value: object, style: str = "") -> Text:
    """Return a table cell; ``[`` is no markup in it, and nothing is no text."""
    return Text("" if value is None else safe(value), style)
