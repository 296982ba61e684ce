"""The parameters of one rpc, read strictly: what is unknown is refused, not ignored."""

from collections.abc import Collection

from lxml import etree

from mock_devices.netconf.errors import RpcError
from mock_devices.netconf.filtering import children_of
from mock_devices.netconf.markup import BASE
from mock_devices.netconf.messages import WITH_DEFAULTS


class Parameters:
    """The children of an operation element."""

    def __init__(self, operation: etree._Element, allowed: Collection[str]) -> None:
        self._operation = operation
        for child in children_of(operation):
            name = etree.QName(child)
            known = name.namespace == BASE or child.tag == f"{{{WITH_DEFAULTS}}}with-defaults"
            if not known or name.localname not in allowed:
                raise RpcError(
                    "unknown-element",
                    f"{etree.QName(operation).localname} takes no {name.localname}",
                    kind="protocol",
                    info={"bad-element": name.localname},
                )

    def element(self, name: str) -> etree._Element | None:
        """Return a parameter's element."""
        return self._operation.find(f"{{{BASE}}}{name}")

    def required(self, name: str) -> etree._Element:
        """Return a parameter's element; raise missing-element."""
        element = self.element(name)
        if element is None:
            raise RpcError(
                "missing-element",
                f"{name} is missing",
                kind="protocol",
                info={"bad-element": name},
            )
        return element

    def flag(self, name: str) -> bool:
        """True when an empty parameter is given."""
        return self.element(name) is not None

    def text(self, name: str) -> str | None:
        """Return a parameter's text, ``None`` when it is not given; an empty one is refused."""
        element = self.element(name)
        if element is None:
            return None
        text = (element.text or "").strip()
        if not text:
            raise invalid(name, "must not be empty")
        return text

    def choice(self, name: str, known: Collection[str], default: str) -> str:
        """Return a parameter that is one of a few words."""
        word = self.text(name) or default
        if word not in known:
            raise invalid(name, f"'{word}' is not known")
        return word

    def datastore(self, name: str) -> str:
        """Return the datastore named in ``target`` or ``source``."""
        children = children_of(self.required(name))
        if len(children) != 1:
            raise invalid(name, "names no datastore")
        return str(etree.QName(children[0]).localname)

    def filters(self) -> list[etree._Element] | None:
        """Return the children of a subtree filter, ``None`` when there is no filter."""
        element = self.element("filter")
        if element is None:
            return None
        kind = element.get("type", element.get(f"{{{BASE}}}type", "subtree"))
        if kind != "subtree":
            raise RpcError(
                "operation-not-supported", f"filter type {kind} is not supported", kind="protocol"
            )
        return children_of(element)

    def with_defaults(self) -> str | None:
        """Return the mode asked for (RFC 6243)."""
        element = self._operation.find(f"{{{WITH_DEFAULTS}}}with-defaults")
        return None if element is None else (element.text or "").strip()


def invalid(name: str, reason: str) -> RpcError:
    """Return the refusal of one parameter's value."""
    return RpcError(
        "invalid-value", f"{name}: {reason}", kind="protocol", info={"bad-element": name}
    )
