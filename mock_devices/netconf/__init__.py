"""Simulated NETCONF devices: strict, stateful, of any schema."""

from mock_devices.netconf.bare_tree import BareTree, bare
from mock_devices.netconf.datastores import AppliedCommit, Counters
from mock_devices.netconf.derived_state import DerivedState
from mock_devices.netconf.device import NetconfDevice
from mock_devices.netconf.errors import RpcError
from mock_devices.netconf.faults import Faults
from mock_devices.netconf.olt_state import OltState
from mock_devices.netconf.operational import NoState, Operational, StateData, StateRequest
from mock_devices.netconf.probe_state import ProbeState, SenderCounters
from mock_devices.netconf.schema import Schema
from mock_devices.netconf.schema_file import load_schema, schema_from_text
from mock_devices.netconf.switch_state import SwitchState
from mock_devices.netconf.tree import Container

__all__ = [
    "AppliedCommit",
    "BareTree",
    "Container",
    "Counters",
    "DerivedState",
    "Faults",
    "NetconfDevice",
    "NoState",
    "OltState",
    "Operational",
    "ProbeState",
    "RpcError",
    "Schema",
    "SenderCounters",
    "StateData",
    "StateRequest",
    "SwitchState",
    "bare",
    "load_schema",
    "schema_from_text",
]
