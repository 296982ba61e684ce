"""Sites of other customers, numbered out of a few lines of the topology."""

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network
from typing import Any

from pydantic import BaseModel, ConfigDict

from mock_devices.lab.topology import NeighbourGroup, NetconfDeviceSpec, Topology
from mock_devices.netconf import load_schema
from mock_devices.services.kea.server import Answer

NO_PON = "0/0"
"""PON port of a neighbour that is served by Ethernet."""
LAYER2_PERCENT = 105
"""Layer 2 rate of a layer 3 rate, in percent: what framing adds on the PON."""


class Neighbour(BaseModel):
    """One site in service; the field names are the place holders of the neighbour templates."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    site: str
    customer: int
    vpn: str
    access: str
    uplink: str
    bng: str
    bng_port: str
    probe: str
    vlan: int
    circuit_id: str
    index: int
    slot_port: str
    pon: str
    onu_id: int
    alloc_id: int
    gemport_tc1: int
    gemport_tc3: int
    ont: str
    port: int
    subnet: IPv4Network
    option82: str
    """How the BNG treats option 82: keep what an OLT has written, else write its own."""
    gateway: str
    router: str
    prefix: IPv6Network
    gateway6: str
    asn: int
    megabits: int
    kilobits: int
    layer2_megabits: int
    layer2_bits: int
    policy: str
    traffic_descriptor: str
    bgp_password: str
    sender_port: int


def neighbours(topology: Topology) -> tuple[Neighbour, ...]:
    """Return every neighbour of the topology, in its order."""
    return tuple(site for group in topology.neighbours for site in _group(topology, group))


def _group(topology: Topology, group: NeighbourGroup) -> Iterator[Neighbour]:
    link = topology.link(group.access, group.uplink)
    assert link is not None  # noqa: S101 - the topology was checked
    pon = group.pon_port or NO_PON
    written = _written_circuit_id(topology, link.bng)
    layer2 = group.megabits * LAYER2_PERCENT // 100
    for index in range(group.count):
        customer = group.first_customer + index // group.sites_per_customer
        vlan, onu_id = group.first_vlan + index, group.first_onu_id + index
        subnet = _next_network(group.first_subnet, index)
        prefix = _next_network(group.first_prefix, index)
        by_ont = f"{group.access} xpon {pon}/{onu_id}:{vlan}"
        yield Neighbour(
            site=f"ENT-{customer}-{group.suffix}{index + 1}",
            customer=customer,
            vpn=f"ENT-{customer}",
            access=group.access,
            uplink=group.uplink,
            bng=link.bng,
            bng_port=link.bng_port,
            probe=group.probe,
            vlan=vlan,
            circuit_id=by_ont
            if group.pon_port
            else written.format(bng=link.bng, customer=customer, bng_port=link.bng_port, vlan=vlan),
            index=index,
            slot_port=pon,
            pon=pon.replace("/", "-"),
            onu_id=onu_id,
            alloc_id=group.first_alloc_id + index,
            gemport_tc1=group.first_gemport + 2 * index,
            gemport_tc3=group.first_gemport + 2 * index + 1,
            ont=f"ALCL{0xF0000000 + customer * 0x1000 + vlan:08X}",
            port=group.first_port + index,
            subnet=subnet,
            option82="keep" if group.pon_port else "replace",
            gateway=str(subnet[1]),
            router=str(subnet[2]),
            prefix=prefix,
            gateway6=str(prefix[1]),
            asn=64600 + customer % 400,
            megabits=group.megabits,
            kilobits=group.megabits * 1000,
            layer2_megabits=layer2,
            layer2_bits=layer2 * 10**6,
            policy=f"BW-{group.megabits}-{group.megabits}-SILVER-ENT",
            traffic_descriptor=f"TDP-BW-{group.megabits}-SILVER",
            bgp_password=f"lab-ENT-{customer}-{group.suffix}{index + 1}",
            sender_port=50000 + vlan,
        )


def _written_circuit_id(topology: Topology, bng: str) -> str:
    """Return the form of the circuit-id that a BNG writes by itself, by its model."""
    spec = topology.devices[bng]
    assert isinstance(spec, NetconfDeviceSpec)  # noqa: S101 - the topology was checked
    model = load_schema(spec.platform).gateway
    assert model is not None  # noqa: S101 - the topology was checked
    return model.circuit_id


def _next_network(first: Any, index: int) -> Any:
    """Return the network ``index`` places after ``first``, of the same length."""
    size = first.num_addresses
    return type(first)((int(first.network_address) + index * size, first.prefixlen))


def subnet4(site: Neighbour) -> Answer:
    """Return a neighbour's entry of ``subnet4``."""
    return {
        "id": _subnet_id(site),
        "subnet": str(site.subnet),
        "relay": {"ip-addresses": [site.gateway]},
        "option-data": [{"name": "routers", "data": site.gateway}],
        "reservations": [
            {
                "circuit-id": f"'{site.circuit_id}'",
                "ip-address": site.router,
                "hostname": f"ce-{site.site.lower()}",
            }
        ],
        "user-context": {"site": site.site},
    }


def subnet6(site: Neighbour) -> Answer:
    """Return a neighbour's entry of ``subnet6``."""
    return {
        "id": _subnet_id(site),
        "subnet": str(site.prefix),
        "relay": {"ip-addresses": [site.gateway6]},
        "user-context": {"site": site.site},
    }


def _subnet_id(site: Neighbour) -> int:
    """Return an id out of the address, far above the VLAN numbers that others use as ids."""
    return int(site.subnet.network_address) % 2**24


def radius_rows(sites: tuple[Neighbour, ...]) -> dict[str, list[dict[str, str | int]]]:
    """Return the neighbours' rows of the rlm_sql tables."""
    rows: dict[str, list[dict[str, str | int]]] = {
        "nas": [
            {"nasname": name, "shortname": name, "secret": "lab-radius"}
            for name in sorted({site.bng for site in sites})
        ],
        "radcheck": [],
        "radreply": [],
        "radusergroup": [],
        "radgroupreply": [],
    }
    for site in sites:
        user = {"username": site.circuit_id}
        rows["radcheck"].append({**user, "attribute": "Auth-Type", "op": ":=", "value": "Accept"})
        reply = {
            "Framed-IP-Address": site.router,
            "Framed-IP-Netmask": str(site.subnet.netmask),
            "Framed-IPv6-Prefix": str(site.prefix),
            "Alc-Subsc-ID-Str": site.site,
        }
        rows["radreply"] += [
            {**user, "attribute": name, "op": ":=", "value": value} for name, value in reply.items()
        ]
        rows["radusergroup"].append({**user, "groupname": site.policy, "priority": 1})
    for policy in sorted({site.policy for site in sites}):
        rows["radgroupreply"] += _group_rows(policy)
    return rows


def _group_rows(policy: str) -> list[dict[str, str | int]]:
    group = {"groupname": policy}
    replaced = {
        "Alc-Subsc-Prof-Str": "SUB-ENT-SILVER",
        "Alc-SLA-Prof-Str": policy,
        "ERX-Qos-Profile-Name": policy,
    }
    rows: list[dict[str, str | int]] = [
        {**group, "attribute": name, "op": ":=", "value": value} for name, value in replaced.items()
    ]
    rows += [
        {
            **group,
            "attribute": "Cisco-AVPair",
            "op": "+=",
            "value": f"subscriber:sub-qos-policy-{direction}={policy}",
        }
        for direction in ("in", "out")
    ]
    return rows
