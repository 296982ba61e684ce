"""What a model does with its configuration, as the ``state`` and ``gateway`` of a schema file.

Expressions are those of ``mock_devices.netconf.expressions``; they are compiled when the file is
read, so that a fault in one is found at once.
"""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

from mock_devices.netconf.expressions import expression


def _compiles(text: str) -> str:
    expression(text)
    return text


XPath = Annotated[str, AfterValidator(_compiles)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Rule(_Strict):
    """What no commit may break, anywhere in the configuration.

    ``that`` is evaluated on every element that ``each`` selects.
    """

    each: XPath
    that: XPath
    message: str
    """The refusal; ``{each}`` is the text or the first leaf of the element."""


class StateList(_Strict):
    """A list of operational state and the configuration each of its entries comes from."""

    list: str
    """Names down to the list, from the top or from the entry it lies in."""
    each: XPath
    """Selects the configuration of the entries, from the root or from that of the entry above."""
    leaves: dict[str, XPath]
    """Value by name, or by names where containers lie between; evaluated on the entry's
    configuration. ``link(port)`` tells whether a port has light, ``session(vrf, address)`` the
    state of a BGP session by its name in RFC 4271."""
    lists: tuple["StateList", ...] = ()


class Need(_Strict):
    """What must hold for a frame to go on, and what stops it otherwise.

    ``otherwise`` names values in braces; the device's name stands before it already.
    """

    that: XPath
    otherwise: str


class Node(_Strict):
    """An element that must be there."""

    node: XPath
    otherwise: str


class RelayModel(_Strict):
    """How DHCPv4 requests of an attachment are relayed."""

    needs: tuple[Need, ...] = ()
    server: XPath
    giaddr: XPath
    circuit_id: XPath
    """What the server reads in option 82, empty for none. ``$option82`` is what the access device
    has written, ``$tagged`` whether it has."""


class BgpModel(_Strict):
    """The end of an eBGP session with ``$peer``, looked for from the attachment."""

    neighbour: Node
    needs: tuple[Need, ...] = ()
    peer_as: XPath
    local_as: XPath
    gateway: XPath
    password: XPath


class GatewayModel(_Strict):
    """What a gateway does with a customer's VLAN.

    Expressions know ``$device``, ``$port`` and ``$vlan``; those after ``attachment`` are evaluated
    on it and know ``values`` too.
    """

    circuit_id: str
    """Option 82 as this model writes it, for services that were set up by hand; it names fields of
    ``mock_devices.lab.neighbours.Neighbour``."""
    port: Need
    attachment: Node
    values: dict[str, XPath] = {}
    enabled: tuple[Need, ...] = ()
    relay: RelayModel
    bgp: BgpModel
