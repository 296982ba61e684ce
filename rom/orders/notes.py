"""Notes that a sender has written: what TMF652 v4 has in them, in its types."""

from rom.documents.fields import Node, as_date, json_type
from rom.model.errors import OrderRefused

_TEXTS = ("id", "author", "text", "@type", "@baseType", "@schemaLocation")


def check_notes(node: Node) -> None:
    """Refuse notes of an order or an item whose members have other types than the standard's."""
    for note in node.members("note"):
        for name in _TEXTS:
            value = note.content.get(name)
            if value is not None and not isinstance(value, str):
                raise OrderRefused(note.at(name), f"is {json_type(value)}", "send text")
        date = note.word("date")
        if date is not None:
            as_date(note, "date", date)
