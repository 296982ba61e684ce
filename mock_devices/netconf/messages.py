"""NETCONF messages: hello, rpc-reply and rpc-error as bytes, capabilities as announced."""

from collections.abc import Callable, Iterable, Mapping
from io import BytesIO

from lxml import etree

from mock_devices.netconf.defaults import MODES, NO_DEFAULTS
from mock_devices.netconf.errors import RpcError
from mock_devices.netconf.markup import BASE, nsmap, parse
from mock_devices.netconf.schema import Schema, instance_path, steps

BASE_1_0 = "urn:ietf:params:netconf:base:1.0"
BASE_1_1 = "urn:ietf:params:netconf:base:1.1"
WITH_DEFAULTS = "urn:ietf:params:xml:ns:yang:ietf-netconf-with-defaults"
_CAPABILITY = "urn:ietf:params:netconf:capability:"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"

Body = Callable[["etree._IncrementalFileWriter"], None]


def capabilities(
    schema: Schema, framing: str, confirmed_commit: str = "1.1", *, has_startup: bool = False
) -> list[str]:
    """Return what the device announces: protocol capabilities first, then its modules.

    An empty ``confirmed_commit`` makes a device without one.
    """
    features = [
        "candidate:1.0",
        *([f"confirmed-commit:{confirmed_commit}"] if confirmed_commit else []),
        "rollback-on-error:1.0",
        "validate:1.1",
        *(["startup:1.0"] if has_startup else []),
    ]
    if schema.with_defaults != NO_DEFAULTS:
        others = ",".join(mode for mode in MODES if mode != schema.with_defaults)
        features.append(
            f"with-defaults:1.0?basic-mode={schema.with_defaults}&also-supported={others}"
        )
    if schema.writable_running:
        features.append("writable-running:1.0")
    modules = []
    for module in schema.modules.values():
        text = f"{module.namespace}?module={module.name}"
        if module.revision:
            text += f"&revision={module.revision}"
        if module.features:
            text += f"&features={','.join(module.features)}"
        modules.append(text)
    bases = [BASE_1_0, BASE_1_1] if framing == "1.1" else [BASE_1_0]
    return [*bases, *(_CAPABILITY + feature for feature in features), *modules]


def hello(announced: Iterable[str], session: int) -> bytes:
    """Return the server's hello."""
    root = etree.Element(f"{{{BASE}}}hello", nsmap=nsmap(BASE))
    listing = etree.SubElement(root, f"{{{BASE}}}capabilities")
    for capability in announced:
        etree.SubElement(listing, f"{{{BASE}}}capability").text = capability
    etree.SubElement(root, f"{{{BASE}}}session-id").text = str(session)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def reply(rpc: etree._Element, body: Body) -> bytes:
    """Return an rpc-reply that carries the attributes of ``rpc`` (RFC 6241 section 4.2)."""
    attributes = {str(name): str(value) for name, value in rpc.attrib.items()}
    buffer = BytesIO()
    with etree.xmlfile(buffer, encoding="UTF-8") as file:
        file.write_declaration()
        with file.element(f"{{{BASE}}}rpc-reply", attributes, nsmap=nsmap(BASE, rpc.nsmap)):
            body(file)
    return buffer.getvalue()


def ok(file: "etree._IncrementalFileWriter") -> None:
    """Write ``<ok/>``."""
    file.write(etree.Element(f"{{{BASE}}}ok", nsmap=nsmap(BASE)))


def literal(content: str) -> Body:
    """Return a body of XML as it stands."""

    def write(file: "etree._IncrementalFileWriter") -> None:
        for element in parse(f"<body>{content}</body>".encode()):
            file.write(element)

    return write


def errors(schema: Schema, refusals: Iterable[RpcError]) -> Body:
    """Return a body of rpc-error elements."""

    def write(file: "etree._IncrementalFileWriter") -> None:
        for refusal in refusals:
            file.write(_error(schema, refusal))

    return write


def _error(schema: Schema, refusal: RpcError) -> etree._Element:
    root = etree.Element(f"{{{BASE}}}rpc-error", nsmap=nsmap(BASE))
    _add(root, "error-type", refusal.kind)
    _add(root, "error-tag", refusal.tag)
    _add(root, "error-severity", "error")
    if refusal.app_tag:
        _add(root, "error-app-tag", refusal.app_tag)
    if refusal.where is not None and refusal.where.schema is not schema.root:
        prefixes: dict[str | None, str] = {
            node.module.prefix: node.module.namespace for node, _ in steps(refusal.where)
        }
        _add(root, "error-path", instance_path(refusal.where), prefixes)
    _add(root, "error-message", refusal.message).set(_LANGUAGE, "en")
    if refusal.info:
        info = _add(root, "error-info", "")
        for name, value in refusal.info.items():
            _add(info, name, value)
    return root


def _add(
    parent: etree._Element, name: str, text: str, prefixes: Mapping[str | None, str] | None = None
) -> etree._Element:
    element = etree.SubElement(parent, f"{{{BASE}}}{name}", nsmap=nsmap(BASE, prefixes))
    if text:
        element.text = text
    return element
