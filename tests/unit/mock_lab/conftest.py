"""Configurations the lab's services start from in tests."""

from typing import Any

import pytest

CIRCUIT = "OLT-SOUTH-03 xpon 2/8/17:2108"


def reservation(circuit_id: str, address: str) -> dict[str, Any]:
    return {
        "circuit-id": circuit_id,
        "ip-address": address,
        "hostname": "ce-melb",
        "option-data": [{"name": "boot-file-name", "data": "http://127.0.0.1:8/ztp.py"}],
    }


@pytest.fixture
def dhcp4() -> dict[str, Any]:
    return {
        "Dhcp4": {
            "host-reservation-identifiers": ["circuit-id", "hw-address"],
            "valid-lifetime": 86400,
            "subnet4": [
                {
                    "id": 2108,
                    "subnet": "10.88.12.0/29",
                    "relay": {"ip-addresses": ["10.88.12.1"]},
                    "option-data": [{"name": "routers", "data": "10.88.12.1"}],
                    "reservations": [reservation(CIRCUIT.encode().hex().upper(), "10.88.12.2")],
                }
            ],
        }
    }


@pytest.fixture
def dhcp6() -> dict[str, Any]:
    return {
        "Dhcp6": {
            "subnet6": [
                {
                    "id": 2108,
                    "subnet": "2001:db8:8812:2108::/64",
                    "relay": {"ip-addresses": ["2001:db8:8812:2108::1"]},
                    "pd-pools": [
                        {"prefix": "2001:db8:a12::", "prefix-len": 48, "delegated-len": 48}
                    ],
                }
            ]
        }
    }
