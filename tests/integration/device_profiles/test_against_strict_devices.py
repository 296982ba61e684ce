"""What profiles render is taken by the strict devices of the lab, and can be taken back."""

from ipaddress import ip_network
from pathlib import Path as FilePath

import pytest
from lxml import etree

from device_profiles import data, radius
from device_profiles.cli import day1_text, decode, encode_lines, with_secrets
from device_profiles.fragment import merged
from device_profiles.limits import Limit, NameOf
from device_profiles.profile import Profile, load_profile
from device_profiles.render import render
from device_profiles.tree import DIGEST_PREFIX, Path, Tree, difference, within
from device_profiles.yang import NETCONF_NAMESPACE, encode_edit, encode_filter
from device_profiles.yang import decode as decode_xml
from inventory.kinds import prefix_attributes
from mock_devices.cli.grammar import load_grammar
from mock_devices.cli.machine import Machine
from mock_devices.lab.baselines import Baselines
from mock_devices.lab.neighbours import neighbours
from mock_devices.lab.topology import load_topology
from mock_devices.netconf.edit import Editor, EditRefusedError
from mock_devices.netconf.errors import InvalidConfigurationError
from mock_devices.netconf.filtering import selected
from mock_devices.netconf.schema import Schema
from mock_devices.netconf.schema_file import load_schema
from mock_devices.netconf.storage import parse_configuration
from mock_devices.netconf.tree import Container
from mock_devices.netconf.validation import Validator
from mock_devices.netconf.writing import Writer
from mock_devices.services.kea.decision import offer
from mock_devices.services.kea.families import FAMILIES
from mock_devices.services.kea.semantics import check_configuration
from tests.agreed import agreed_fragments
from tests.contexts import load_context

ROOT = FilePath(__file__).parents[3]
NETCONF_DEVICES = {
    "enterprise-fibre OLT-SOUTH-03": ("bbf-olt", "ENT-1102-MELB"),
    "enterprise-fibre EAS-SYD-01": ("openconfig-switch", "ENT-1102-SYD1"),
    "enterprise-fibre BNG-MEL-01": ("sros-bng", "ENT-1102-MELB"),
    "enterprise-fibre BNG-SYD-01": ("sros-bng", "ENT-1102-SYD1"),
    "enterprise-fibre PROBE-MEL-01": ("ietf-twamp-probe", "ENT-1102-MELB"),
    "other-makes BNG-MEL-01": ("junos-bng", "ENT-1102-MELB-junos"),
    "other-makes BNG-SYD-01": ("junos-bng", "ENT-1102-SYD1-junos"),
    "other-makes BNG-BNE-01": ("iosxr-bng", "ENT-1102-MELB-iosxr"),
    "other-makes BNG-BNE-01 uneven": ("iosxr-bng", "ENT-1102-SYD1-iosxr"),
}
TOPOLOGIES = ROOT / "mock_devices" / "topologies"
BASELINES = TOPOLOGIES / "enterprise-fibre" / "baselines"


def wanted(profile: Profile, site: str) -> dict[Path, str]:
    whole = merged(
        {
            name: render(profile, name, load_context(site))
            for name in agreed_fragments(profile, site)
        }
    )
    tree = dict(whole.own)
    for item in whole.shared:
        tree.update(item.tree)
    return tree


def open_values(profile: Profile, tree: Tree) -> dict[Path, str]:
    return {path: value for path, value in tree.items() if not profile.is_secret(path)}


def entered(lines: list[tuple[str, ...]]) -> str:
    return "\n".join(" " * depth + step for line in lines for depth, step in enumerate(line))


def test_the_router_takes_its_whole_file_and_shows_it_again(tmp_path: FilePath) -> None:
    profile = load_profile("iosxe-ce")
    tree = wanted(profile, "ENT-1102-MELB")
    router = Machine("ce", load_grammar("iosxe-ce"), tmp_path, serial="FDO2340567")

    remarks = router.merge(with_secrets(day1_text(profile, tree), lambda name: "Lab" + name[:2]))

    assert [remark for remark in remarks if remark.refused] == []
    read = decode(profile, router.running_text())
    assert within(open_values(profile, read), tree) | open_values(profile, tree) == within(
        open_values(profile, read), tree
    )
    assert {path: read[path] for path in open_values(profile, tree)} == open_values(profile, tree)
    hidden = [path for path in tree if profile.is_secret(path)]
    assert hidden
    assert all(read[path].startswith(DIGEST_PREFIX) for path in hidden)


def test_the_switch_takes_a_site_and_gives_it_back(tmp_path: FilePath) -> None:
    profile = load_profile("ios-switch")
    switch = Machine("sw", load_grammar("ios-switch"), tmp_path, serial="FOC1")
    assert switch.load((BASELINES / "switch.cfg").read_text()) == []
    before = decode(profile, switch.running_text())
    target = {**before, **wanted(profile, "ENT-1102-SYD2")}

    added = switch.merge(entered(encode_lines(profile, difference(before, target))))
    assert [remark for remark in added if remark.refused] == []
    assert decode(profile, switch.running_text()) == target

    removed = switch.merge(entered(encode_lines(profile, difference(target, before))))
    assert [remark for remark in removed if remark.refused] == []
    assert decode(profile, switch.running_text()) == before


class Device:
    """A strict device's datastore: edits are applied and the result validated."""

    def __init__(self, name: str, profile: Profile) -> None:
        lab, name = name.split()[:2]
        folder = TOPOLOGIES / lab
        topology = load_topology(folder / "topology.yaml")
        baselines = Baselines(folder / "baselines", neighbours(topology), topology.shares)
        document = baselines.netconf(name, topology.devices[name])
        self.profile = profile
        self.schema: Schema = load_schema(profile.name)
        self.running = parse_configuration(self.schema, document)
        Validator(self.schema).check(self.running)

    def tree(self, filters: list[etree._Element] | None = None) -> dict[Path, str]:
        shown = self.running if filters is None else self._selected(filters)
        document = Writer(self.schema).document(shown, "data", NETCONF_NAMESPACE)
        return decode_xml(self.profile, etree.fromstring(document))

    def apply(self, config: etree._Element) -> None:
        arrived = etree.fromstring(etree.tostring(config))
        self.running = Editor(self.schema).apply(self.running, arrived, "merge")
        Validator(self.schema).check(self.running)

    def _selected(self, filters: list[etree._Element]) -> Container:
        return selected(self.schema.root, self.running, filters)


@pytest.mark.parametrize("name", sorted(NETCONF_DEVICES))
def test_a_device_takes_a_site_shows_it_and_gives_it_back(name: str) -> None:
    platform, site = NETCONF_DEVICES[name]
    profile = load_profile(platform)
    device = Device(name, profile)
    before = device.tree()
    target = {**before, **wanted(profile, site)}

    device.apply(encode_edit(profile, difference(before, target)))
    after = device.tree()
    assert open_values(profile, after) == open_values(profile, target)

    device.apply(encode_edit(profile, difference(after, before)))
    assert device.tree() == before


@pytest.mark.parametrize("name", sorted(NETCONF_DEVICES))
def test_every_item_is_taken_by_itself_in_the_order_of_the_items(name: str) -> None:
    platform, site = NETCONF_DEVICES[name]
    profile = load_profile(platform)
    device = Device(name, profile)
    states = [device.tree()]
    for fragment in agreed_fragments(profile, site):
        rendered = render(profile, fragment, load_context(site))
        target = {**states[-1], **rendered.own}
        for item in rendered.shared:
            target.update(item.tree)
        device.apply(encode_edit(profile, difference(states[-1], target)))
        states.append(device.tree())
    for before in reversed(states[:-1]):
        device.apply(encode_edit(profile, difference(device.tree(), before)))
        assert device.tree() == before


@pytest.mark.parametrize("name", sorted(NETCONF_DEVICES))
def test_a_scoped_read_brings_the_scope_and_nothing_else_is_needed(name: str) -> None:
    platform, site = NETCONF_DEVICES[name]
    profile = load_profile(platform)
    device = Device(name, profile)
    tree = wanted(profile, site)
    device.apply(encode_edit(profile, difference({}, tree)))

    read = device.tree(encode_filter(profile, list(tree)))

    assert within(read, list(tree)) == within(device.tree(), list(tree))
    assert open_values(profile, tree).items() <= read.items()


def beyond(limit: Limit) -> list[str]:
    """Return texts just beyond a limit, and one just within it first."""
    letters = "A" * (limit.longest or 20)
    wrong = [letters + "A"] if limit.longest else []
    return [letters, *wrong, *(["A\u00e9"] if limit.pattern else [])]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (name, value)
        for name in ("enterprise-fibre OLT-SOUTH-03", "enterprise-fibre BNG-MEL-01",
                     "other-makes BNG-MEL-01", "other-makes BNG-BNE-01")
        for value in load_profile(NETCONF_DEVICES[name][0]).limits
    ],
)  # fmt: skip
def test_a_profile_takes_of_a_name_what_the_device_takes(name: str, value: NameOf) -> None:
    """The device takes the longest name that the profile takes, and refuses the next."""
    platform, site = NETCONF_DEVICES[name]
    profile = load_profile(platform)
    within_limit, *refused = beyond(profile.limits[value])

    def enter(text: str) -> None:
        owner, member = value.split(".")
        context = load_context(site)
        context = {**context, owner: {**context[owner], member: text}}
        device = Device(name, profile)
        for fragment in agreed_fragments(profile, site):
            rendered = render(profile, fragment, context)
            tree = {**rendered.own}
            for item in rendered.shared:
                tree.update(item.tree)
            device.apply(encode_edit(profile, difference({}, tree)))

    enter(within_limit)
    for text in refused:
        with pytest.raises((EditRefusedError, InvalidConfigurationError)):
            enter(text)


LINKS = {
    "ipv4": prefix_attributes("ipv4-prefix", ip_network("198.51.100.4/31")),
    "ipv6": prefix_attributes("ipv6-prefix", ip_network("2001:db8:0:7::/127")),
}
"""Links of two addresses (RFC 3021, RFC 6164)."""


def on_a_link_of_two(profile: Profile, site: str) -> dict[Path, str]:
    context = load_context(site)
    context = {**context, "res": {**context["res"], **LINKS}}
    fragments = {name: render(profile, name, context) for name in agreed_fragments(profile, site)}
    whole = merged(fragments)
    return {**whole.own, **{path: text for one in whole.shared for path, text in one.tree.items()}}


@pytest.mark.parametrize("name", sorted(name for name in NETCONF_DEVICES if "BNG" in name))
def test_a_gateway_takes_links_of_two_addresses(name: str) -> None:
    platform, site = NETCONF_DEVICES[name]
    profile = load_profile(platform)
    device = Device(name, profile)
    before = device.tree()
    tree = on_a_link_of_two(profile, site)
    device.apply(encode_edit(profile, difference(before, {**before, **tree})))
    assert open_values(profile, tree).items() <= device.tree().items()
    assert any("198.51.100.5" in step for path in tree for step in path)


def test_a_link_of_two_addresses_is_leased_by_dhcp() -> None:
    """The router gets the odd address and the mask of two, the even one is its gateway."""
    profile = load_profile("kea-dhcp4")
    tree = on_a_link_of_two(profile, "ENT-1102-MELB")
    document = data.encode(profile, tree)
    check_configuration(FAMILIES["dhcp4"], document)
    circuit = document["Dhcp4"]["subnet4"][0]["reservations"][0]["circuit-id"].strip("'")
    made = offer(document, "198.51.100.4", circuit)
    assert made is not None
    assert (str(made.interface), made.routers) == ("198.51.100.5/31", ("198.51.100.4",))


@pytest.mark.parametrize("service", ["dhcp4", "dhcp6"])
def test_a_dhcp_server_full_of_neighbours_is_read_and_left_alone(service: str) -> None:
    profile = load_profile(f"kea-{service}")
    topology = load_topology(BASELINES.parent / "topology.yaml")
    spec = topology.devices["KEA-01"]
    document = Baselines(BASELINES, neighbours(topology)).kea(spec)[service]
    tree = wanted(profile, "ENT-1102-MELB")

    before = data.decode(profile, document)
    changed = data.patch(profile, document, difference({}, tree))

    shown = data.decode(profile, changed)
    assert open_values(profile, shown) == open_values(profile, {**before, **tree})
    assert shown.keys() == {**before, **tree}.keys()
    assert data.patch(profile, changed, difference(tree, {})) == document


def test_rows_of_the_neighbours_are_read() -> None:
    profile = load_profile("freeradius-sql")
    topology = load_topology(BASELINES.parent / "topology.yaml")
    tables = Baselines(BASELINES, neighbours(topology)).radius()
    known = radius.radius_model(profile).tables
    rows = [(table, row) for table in known for row in tables.get(table, [])]
    assert len(radius.decode(profile, rows)) > len(rows)
