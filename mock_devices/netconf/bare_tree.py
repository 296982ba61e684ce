"""A configuration as expressions read it: no namespaces, root ``data``."""

from lxml import etree

from mock_devices.netconf.markup import BASE
from mock_devices.netconf.schema import Schema
from mock_devices.netconf.tree import Container
from mock_devices.netconf.writing import Writer


def bare(document: bytes) -> etree._Element:
    """Return a configuration document as a bare tree."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
    root = etree.fromstring(document, parser)
    for element in root.iter(etree.Element):
        element.tag = etree.QName(element).localname
    root.tag = "data"
    return root


class BareTree:
    """The bare tree of a device's running configuration, made once for each change of it."""

    def __init__(self, schema: Schema) -> None:
        self._writer = Writer(schema)
        self._of: Container | None = None
        self._tree = etree.Element("data")

    def of(self, running: Container) -> etree._Element:
        """Return the tree of ``running``; callers leave it as it is."""
        if self._of is not running:
            self._tree = bare(self._writer.document(running, "config", BASE))
            self._of = running
        return self._tree
