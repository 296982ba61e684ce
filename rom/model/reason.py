"""Reason codes: the words with which item notes begin, and nothing else does.

``docs/reason-codes.md`` says for each what it means and what to do; a test keeps the two equal.
"""

from enum import StrEnum


class Reason(StrEnum):
    """Every reason code that SOM and NOC may read, whoever writes it."""

    # before anything is sent
    RESOURCE_EXHAUSTED = "RESOURCE_EXHAUSTED"
    CANNOT_RESERVE = "CANNOT_RESERVE"
    CANNOT_RENDER = "CANNOT_RENDER"
    NO_TARGET = "NO_TARGET"
    # a device
    DEVICE_UNREACHABLE = "DEVICE_UNREACHABLE"
    DEVICE_LOCKED = "DEVICE_LOCKED"
    AUTHENTICATION_FAILED = "AUTHENTICATION_FAILED"
    HOST_KEY_CHANGED = "HOST_KEY_CHANGED"
    HOST_KEY_UNKNOWN = "HOST_KEY_UNKNOWN"
    DEVICE_REFUSED = "DEVICE_REFUSED"
    OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"
    READ_BACK_MISMATCH = "READ_BACK_MISMATCH"
    SERVICE_BROKEN = "SERVICE_BROKEN"
    DRIFT = "DRIFT"
    TEMPLATE_DRIFT = "TEMPLATE_DRIFT"
    FOREIGN_CONTENT = "FOREIGN_CONTENT"
    ORPHAN_SHARED = "ORPHAN_SHARED"
    IN_USE = "IN_USE"
    # what is at the customer's
    AWAITING_ONU = "AWAITING_ONU"
    AWAITING_CPE = "AWAITING_CPE"
    WRONG_ONT = "WRONG_ONT"
    WRONG_CPE = "WRONG_CPE"
    WRONG_CIRCUIT = "WRONG_CIRCUIT"
    # proof
    BGP_DOWN = "BGP_DOWN"
    CHECK_FAILED = "CHECK_FAILED"
    NO_CHECK = "NO_CHECK"
    TWAMP_UNREACHABLE = "TWAMP_UNREACHABLE"
    SLA_NOT_MET = "SLA_NOT_MET"
    SLA_EXTENDED = "SLA_EXTENDED"
    # ourselves
    INTERNAL = "INTERNAL"
    # what people have done
    RETRIED = "RETRIED"
    COMPLETED_BY_HAND = "COMPLETED_BY_HAND"
    AMENDED = "AMENDED"
    CANCELLED = "CANCELLED"
    CANCEL_DENIED = "CANCEL_DENIED"
    CANCEL_STUCK = "CANCEL_STUCK"
    CANCEL_GIVEN_UP = "CANCEL_GIVEN_UP"
    ROLLED_BACK = "ROLLED_BACK"
