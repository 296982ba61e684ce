"""What a BNG's configuration does with a customer's VLAN, by the model in its schema file."""

from collections.abc import Iterable
from dataclasses import dataclass

from lxml import etree

from mock_devices.lab.access import Blocked
from mock_devices.netconf.behaviour import GatewayModel, Need, Node
from mock_devices.netconf.expressions import expression


@dataclass(frozen=True)
class Relay:
    """How the BNG relays a DHCPv4 request."""

    server: str
    giaddr: str
    circuit_id: str | None


@dataclass(frozen=True)
class BgpNeighbour:
    """The BNG's end of an eBGP session; ``password`` is shown as the device keeps it."""

    address: str
    peer_as: str
    local_as: str
    gateway: str
    password: str


class BngView:
    """A BNG's configuration: a bare tree and what its model says about it."""

    def __init__(self, name: str, model: GatewayModel, config: etree._Element) -> None:
        self.name = name
        self._model = model
        self._config = config

    def relay(self, port: str, vlan: int, circuit_id: str | None) -> Relay:
        """Return how a DHCPv4 request from ``port`` and ``vlan`` is relayed; raises ``Blocked``.

        ``circuit_id`` is what the access device has put into option 82.
        """
        place = self._attachment(port, vlan)
        place.know(option82=circuit_id or "", tagged=circuit_id is not None)
        model = self._model.relay
        place.demand(model.needs)
        return Relay(
            place.text(model.server), place.text(model.giaddr), place.text(model.circuit_id) or None
        )

    def attached(self, port: str, vlan: int) -> None:
        """Raise ``Blocked`` unless ``port`` and ``vlan`` lead to an enabled interface."""
        self._attachment(port, vlan)

    def bgp_neighbour(self, port: str, vlan: int, address: str) -> BgpNeighbour:
        """Return the neighbour ``address`` in the VRF behind an attachment; raises ``Blocked``."""
        place = self._attachment(port, vlan)
        place.know(peer=address)
        model = self._model.bgp
        place.move(model.neighbour)
        place.demand(model.needs)
        return BgpNeighbour(
            address=address,
            peer_as=place.text(model.peer_as),
            local_as=place.text(model.local_as),
            gateway=place.text(model.gateway),
            password=place.text(model.password),
        )

    def _attachment(self, port: str, vlan: int) -> "_Place":
        """Return the interface of a customer's VLAN, everything above it enabled."""
        place = _Place(self._config, device=self.name, port=port, vlan=str(vlan))
        place.demand([self._model.port])
        place.move(self._model.attachment)
        for name, value in self._model.values.items():
            place.know(**{name: place.text(value)})
        place.demand(self._model.enabled)
        return place


class _Place:
    """An element of the configuration and what is known by the time it is reached."""

    def __init__(self, at: etree._Element, **known: object) -> None:
        self._at = at
        self._known = known

    def know(self, **more: object) -> None:
        self._known.update(more)

    def text(self, xpath: str) -> str:
        return expression(xpath).text(self._at, **self._known)

    def demand(self, needs: Iterable[Need]) -> None:
        for need in needs:
            if not expression(need.that).holds(self._at, **self._known):
                raise self._blocked(need.otherwise)

    def move(self, to: Node) -> None:
        found = expression(to.node).nodes(self._at, **self._known)
        if not found:
            raise self._blocked(to.otherwise)
        self._at = found[0]

    def _blocked(self, otherwise: str) -> Blocked:
        return Blocked(f"{self._known['device']} {otherwise.format_map(self._known)}")
