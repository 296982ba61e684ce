"""Neighbours as part of the plant: their ONTs and routers are there and configured rightly."""

from mock_devices.lab.neighbours import NO_PON, Neighbour
from mock_devices.lab.plant import RouterBgp
from mock_devices.lab.topology import OntSpec, RouterSpec, Topology

NETWORK_AS = "64500"


def with_neighbours(topology: Topology, sites: tuple[Neighbour, ...]) -> Topology:
    """Return the topology with every neighbour's ONT and router added, the router by site name."""
    onts = dict(topology.onts)
    routers = dict(topology.routers)
    for site in sites:
        if site.slot_port == NO_PON:
            port = f"GigabitEthernet0/{site.port}"
            routers[site.site] = RouterSpec(model="neighbour", switch=site.access, port=port)
        else:
            onts[site.ont] = OntSpec(olt=site.access, port=site.slot_port)
            routers[site.site] = RouterSpec(model="neighbour", ont=site.ont)
    return topology.model_copy(update={"onts": onts, "routers": routers})


def neighbour_bgp(site: Neighbour) -> RouterBgp:
    """Return a neighbour router's end of its eBGP session."""
    return RouterBgp(
        address=site.router,
        local_as=str(site.asn),
        neighbour=site.gateway,
        remote_as=NETWORK_AS,
        password=site.bgp_password,
    )
