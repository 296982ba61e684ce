"""The strict devices and the published modules agree on what is valid and what is not."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import oopt_gnpy_libyang as libyang
import pytest

from mock_devices.netconf import load_schema
from mock_devices.netconf.edit import Editor, EditRefusedError
from mock_devices.netconf.errors import InvalidConfigurationError
from mock_devices.netconf.tree import EMPTY
from mock_devices.netconf.validation import Validator
from mock_devices.netconf.writing import Writer

SHARED = Path(__file__).parents[4] / "shared"
CASES = {
    "bbf-olt": ("bbf", "olt", "00 10 20 40 50 55"),
    "openconfig-switch": ("openconfig", "p2p-switch", "00 10"),
    "ietf-twamp-probe": ("ietf-twamp", "twamp", "50"),
}
# The order in which libyang can load them: a default may name an identity of another module.
MODULES = {
    "openconfig-switch": (
        "openconfig-if-ethernet",
        "openconfig-interfaces",
        "openconfig-policy-forwarding",
        "openconfig-vlan",
        "openconfig-network-instance",
    ),
}
OWN = {"ietf-inet-types", "ietf-yang-types"}
"""The library brings these itself."""
MISTAKES = [
    ("bbf-olt", "<onu-id>17<", "<onu-id>2000<"),
    ("bbf-olt", "<onu-id>17<", "<onu-id>x<"),
    ("bbf-olt", "ALCLFA3B91C2", "ALCLFA3B91"),
    ("bbf-olt", "<tcont-ref>tcont-ENT-1102-MELB-1<", "<tcont-ref>none<"),
    ("bbf-olt", "<channel-partition>CPART-2-8<", "<channel-partition>CG-2-8<"),
    ("bbf-olt", "<lower-layer-interface>vani-ENT-1102-MELB<", "<lower-layer-interface>uplink-1<"),
    ("bbf-olt", "<maximum-bandwidth>525000000<", "<maximum-bandwidth>524999999<"),
    ("bbf-olt", "<maximum-bandwidth>525000000<", "<maximum-bandwidth>525000001<"),
    ("bbf-olt", "<profile-ref>DHCP-ENT</profile-ref>", ""),
    ("bbf-olt", "<sub-interface>net-ENT-1102-MELB-2108<", "<sub-interface>uplink-1<"),
    ("bbf-olt", "dot1qt:c-vlan", "dot1qt:d-vlan"),
    ("bbf-olt", "<vlan-id>2108<", "<vlan-id>5000<"),
    ("bbf-olt", "<priority>100</priority>", ""),
    ("openconfig-switch", "<access-vlan>2109<", "<access-vlan>4095<"),
    ("openconfig-switch", "SPEED_1GB", "SPEED_3GB"),
    ("openconfig-switch", "<config>\n        <name>GigabitEthernet0/12</name>", "<config>"),
    ("ietf-twamp-probe", "<sender-udp-port>49862<", "<sender-udp-port>4986<"),
    ("ietf-twamp-probe", "<periodic-interval>0.1<", "<periodic-interval>0.0000001<"),
    ("ietf-twamp-probe", "<number-of-packets>9000</number-of-packets>", ""),
    ("ietf-twamp-probe", "<repeat>4294967295<", "<repeat>0<"),
    ("ietf-twamp-probe", "<mode>unauthenticated<", "<mode>open<"),
    ("ietf-twamp-probe", "<padding-length>64<", "<padding-length>27<"),
]

pytestmark = pytest.mark.skipif(
    not (SHARED / "yang").exists(), reason="the published YANG modules are not here"
)


@lru_cache
def context(name: str) -> Any:
    """Return the published modules of one of our schemas; identities first, as libyang needs."""
    folder = SHARED / "yang" / CASES[name][0]
    libyang.set_log_options(libyang.LogOptions.Store)
    known = libyang.Context(str(folder), libyang.ContextOptions.NoYangLibrary)
    there = {file.stem.partition("@")[0] for file in folder.glob("*.yang")}
    types = sorted(module for module in there if module.endswith(("-types", "-type")))
    ours = MODULES.get(name, tuple(load_schema(name).modules))
    for module in (*types, *(module for module in ours if module not in types)):
        if module in there and module not in OWN:
            known.load_module(module, None, ["*"])
    return known


def valid_by_yang(name: str, document: bytes, lab: Any) -> bool:
    text = "".join(lab.etree.tostring(child).decode() for child in lab.parse(document))
    options = libyang.ParseOptions.Strict | libyang.ParseOptions.NoState
    try:
        context(name).parse_data(
            text, libyang.DataFormat.XML, options, libyang.ValidationOptions.NoState
        )
    except libyang.Error:
        return False
    return True


def documents(name: str) -> list[str]:
    _, folder, steps = CASES[name]
    return [
        next(
            path.read_text()
            for path in sorted((SHARED / "payloads" / folder).glob(f"{step}-*.xml"))
            if "reflector" not in path.name
        )
        for step in steps.split()
    ]


def on_device(name: str, texts: list[str], lab: Any) -> bytes:
    """Return what a device holds after the edits; raises what the device refuses."""
    schema = load_schema(name)
    state = EMPTY
    for text in texts:
        state = Editor(schema).apply(state, lab.parse(text.encode()), "merge")
    Validator(schema).check(state)
    return Writer(schema).document(state, "config", lab.BASE)


@pytest.mark.parametrize("name", CASES)
def test_running_is_valid_by_the_published_modules(name: str, lab: Any) -> None:
    assert valid_by_yang(name, on_device(name, documents(name), lab), lab)


@pytest.mark.parametrize(("name", "right", "wrong"), MISTAKES)
def test_what_the_published_modules_refuse_the_device_refuses(
    name: str, right: str, wrong: str, lab: Any
) -> None:
    texts = documents(name)
    # One document of all edits, since validity by YANG is asked of whole data.
    whole = on_device(name, texts, lab)
    assert valid_by_yang(name, whole, lab)
    spoilt = [text.replace(right, wrong) for text in texts]
    assert spoilt != texts
    with pytest.raises((EditRefusedError, InvalidConfigurationError)):
        on_device(name, spoilt, lab)
