"""What a device holds at its first start: engineering's baseline and the neighbours' services."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lxml import etree

from mock_devices.lab.neighbours import Neighbour, radius_rows, subnet4, subnet6
from mock_devices.lab.topology import (
    CliDeviceSpec,
    KeaSpec,
    NetconfDeviceSpec,
    TopologyError,
)

_SHIPPED_LABS = Path(__file__).parents[1] / "topologies"
_CONFIG = "{urn:ietf:params:xml:ns:netconf:base:1.0}config"


class Baselines:
    """Reads the baseline and template files beside a topology.

    A neighbour's share of a device is ``neighbour.<platform>.xml`` or ``.cfg``, an OLT's PON port
    ``pon-port.<platform>.xml``; their place holders are the fields of ``Neighbour`` or, for a PON
    port, ``pon`` (``2-8``), ``slot_port`` (``2/8``) and ``pon_id``. What is not in the folder is
    looked for in that of the lab it ``shares`` with, beside it or shipped; missing files raise
    ``TopologyError``.
    """

    def __init__(
        self, folder: Path, sites: tuple[Neighbour, ...], shares: str | None = None
    ) -> None:
        self._folder = folder
        self._shared = _shared(folder, shares) if shares else folder
        self._sites = sites

    def netconf(self, name: str, spec: NetconfDeviceSpec) -> bytes:
        """Return a device's first configuration as a ``<config>`` document."""
        root = _document(self._read(spec.baseline))
        for port in spec.pon_ports:
            card, number = port.split("/")
            values = {
                "pon": port.replace("/", "-"),
                "slot_port": port,
                "pon_id": f"{int(card):012x}{int(number):x}a"[-14:],
            }
            self._add(root, f"pon-port.{spec.platform}.xml", values)
        for site in self.served(name):
            self._add(root, f"neighbour.{spec.platform}.xml", site.model_dump())
        return etree.tostring(root)

    def cli(self, name: str, spec: CliDeviceSpec) -> str:
        """Return a device's first configuration as command lines."""
        parts = [self._read(spec.baseline)]
        template = self._read(f"neighbour.{spec.platform}.cfg") if self.served(name) else ""
        parts += [template.format_map(site.model_dump()) for site in self.served(name)]
        return "".join(parts)

    def kea(self, spec: KeaSpec) -> dict[str, Mapping[str, Any]]:
        """Return both servers' first configurations."""
        dhcp4, dhcp6 = (json.loads(self._read(file)) for file in (spec.dhcp4, spec.dhcp6))
        dhcp4["Dhcp4"]["subnet4"] = [subnet4(site) for site in self._sites]
        dhcp6["Dhcp6"]["subnet6"] = [subnet6(site) for site in self._sites]
        return {"dhcp4": dhcp4, "dhcp6": dhcp6}

    def radius(self) -> dict[str, list[dict[str, str | int]]]:
        """Return the first rows of the RADIUS database."""
        return radius_rows(self._sites)

    def served(self, device: str) -> tuple[Neighbour, ...]:
        """Return the neighbours that have a share of a device."""
        return tuple(site for site in self._sites if device in (site.access, site.bng, site.probe))

    def _add(self, root: etree._Element, template: str, values: Mapping[str, Any]) -> None:
        """Append a filled template's content; the device merges what occurs more than once."""
        root.extend(_document(self._read(template).format_map(values)))

    def _read(self, name: str) -> str:
        own = self._folder / name
        file = own if own.exists() else self._shared / name
        try:
            return file.read_text(encoding="utf-8")
        except OSError as error:
            raise TopologyError(f"{own}: {error.strerror}") from error


def _shared(folder: Path, lab: str) -> Path:
    """Return the baselines of another lab: of one beside this lab, else of a shipped one."""
    beside = folder.parents[1] / lab / folder.name
    return beside if beside.is_dir() else _SHIPPED_LABS / lab / folder.name


def _document(text: str) -> etree._Element:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, remove_comments=True, remove_blank_text=True
    )
    root = etree.fromstring(text.encode(), parser)
    if root.tag != _CONFIG:
        raise TopologyError(f"a baseline is a <config> document, not {root.tag}")
    return root
