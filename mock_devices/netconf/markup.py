"""The few XML things that everything here shares."""

from collections.abc import Mapping
from typing import cast

from lxml import etree

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"


def nsmap(default: str, others: Mapping[str | None, str] | None = None) -> dict[str, str]:
    """Return namespace declarations with a default namespace."""
    # The published type stubs do not know that None is the default namespace's prefix.
    return cast("dict[str, str]", {**(others or {}), None: default})


def parse(document: bytes) -> etree._Element:
    """Return the root of a document; raise ``etree.XMLSyntaxError`` or ``ValueError``.

    Nothing outside the document is ever read, and a document type is refused.
    """
    # Before parsing too: entities in attributes would be expanded without limit.
    if b"<!DOCTYPE" in document:
        raise ValueError("a document type is not allowed")
    # A parser for each document: one that met an error may keep state.
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True
    )
    root = etree.fromstring(document, parser)
    if root.getroottree().docinfo.internalDTD is not None:
        raise ValueError("a document type is not allowed")
    return root
