import threading
import time
from dataclasses import replace
from typing import Any

import asyncssh
import pytest
from pydantic import SecretStr

from adapters.errors import (
    AuthenticationFailed,
    CommitRefused,
    HostKeyMismatch,
    HostKeyUnknown,
    LockDenied,
    LoginBroken,
    SecretUnavailable,
    SessionLost,
    Unreachable,
)
from adapters.netconf.session import NetconfSession
from adapters.seam import Capability, Endpoint, Query, SiteEdits, SiteOutcome
from device_profiles.dialects import NetconfDialect
from device_profiles.profile import load_profile
from device_profiles.tree import Edit
from mock_devices.host_keys import public_line

PROFILE = load_profile("bbf-olt")
ROOT = ("ietf-interfaces:interfaces", "interface[name='eth-1']")


@pytest.fixture
def olt(lab: Any) -> Any:
    return lab.olt()


@pytest.fixture
def device(olt: Any) -> Any:
    return olt[0]


@pytest.fixture
def endpoint(olt: Any) -> Endpoint:
    return olt[1]  # type: ignore[no-any-return]  # the lab is not importable


@pytest.fixture
def session(endpoint: Endpoint, lab: Any, closing: Any) -> NetconfSession:
    return closing(NetconfSession(endpoint, PROFILE, lab.resolve))  # type: ignore[no-any-return]


def outcomes(receipt: Any) -> list[SiteOutcome]:
    return [site.outcome for site in receipt.sites]


def test_what_is_applied_is_read_back_within_the_scope_only(session: Any, lab: Any) -> None:
    session.apply([lab.interface("A", "eth-1"), lab.interface("B", "eth-2")], lab.mode())
    assert session.read([ROOT]) == {
        ROOT: "",
        (*ROOT, "type"): "iana-if-type:ethernetCsmacd",
    }
    other = ("ietf-interfaces:interfaces", "interface[name='eth-2']", "type")
    assert session.read([other]) == {
        other[:2]: "",
        other: "iana-if-type:ethernetCsmacd",
    }, "an entry that a path lies in is told as well"
    assert session.read([]) == {}


def test_capabilities_come_from_the_hello(session: Any) -> None:
    assert {
        Capability.TRANSACTION, Capability.CONFIRMED_COMMIT, Capability.EDIT_ISOLATION
    } <= session.capabilities  # fmt: skip


def test_a_batch_without_edits_sends_nothing(session: Any, device: Any, lab: Any) -> None:
    called: list[str] = []
    receipt = session.apply(
        [SiteEdits("A", ())], lab.mode(before_commit=lambda: called.append("x"))
    )
    assert outcomes(receipt) == [SiteOutcome.APPLIED]
    assert (device.counters.edits, device.counters.commits, called) == (0, 0, [])


def test_many_sites_are_one_commit_with_one_edit_each(session: Any, device: Any, lab: Any) -> None:
    batch = [lab.interface(f"S{n}", f"eth-{n}") for n in range(5)]
    session.apply(batch, lab.mode())
    assert (device.counters.edits, device.counters.commits) == (5, 1)


def test_a_refused_site_is_named_and_the_others_are_committed(
    session: Any, device: Any, lab: Any
) -> None:
    bad = lab.interface("BAD", "eth-bad", type="iana-if-type:noSuchType")
    receipt = session.apply(
        [lab.interface("A", "eth-1"), bad, lab.interface("C", "eth-3")], lab.mode()
    )
    assert outcomes(receipt) == [SiteOutcome.APPLIED, SiteOutcome.REFUSED, SiteOutcome.APPLIED]
    assert receipt.sites[1].error
    running = device.running_xml()
    assert b"eth-1" in running
    assert b"eth-3" in running
    assert b"eth-bad" not in running


def test_when_all_are_refused_nothing_is_committed_and_nothing_stays_behind(
    session: Any, device: Any, lab: Any
) -> None:
    bad = lab.interface("BAD", "eth-bad", type="iana-if-type:noSuchType")
    called: list[str] = []
    receipt = session.apply([bad], lab.mode(before_commit=lambda: called.append("x")))
    assert outcomes(receipt) == [SiteOutcome.REFUSED]
    assert (device.counters.commits, called) == (0, [])
    assert device.candidate_xml() == device.running_xml()


def test_a_refused_commit_leaves_no_trace_and_no_lock(
    session: Any, device: Any, endpoint: Endpoint, lab: Any, closing: Any
) -> None:
    device.faults.refuse_commit("eth-1")
    with pytest.raises(CommitRefused) as caught:
        session.apply([lab.interface("A", "eth-1")], lab.mode())
    assert caught.value.reason == "RESOURCE_EXHAUSTED"
    assert device.candidate_xml() == device.running_xml()
    other = closing(NetconfSession(endpoint, PROFILE, lab.resolve))
    assert outcomes(other.apply([lab.interface("A", "eth-1")], lab.mode())) == [SiteOutcome.APPLIED]


def test_an_error_before_the_commit_undoes_the_candidate(
    session: Any, device: Any, lab: Any
) -> None:
    def fenced() -> None:
        raise RuntimeError("lease lost")

    with pytest.raises(RuntimeError, match="lease lost"):
        session.apply([lab.interface("A", "eth-1")], lab.mode(before_commit=fenced))
    assert device.counters.commits == 0
    assert device.candidate_xml() == device.running_xml()
    session.apply([lab.interface("A", "eth-1")], lab.mode())


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_reply_lost_after_commit_is_an_unknown_outcome(
    session: Any, device: Any, lab: Any, moment: str
) -> None:
    device.faults.drop_session("commit", moment)
    with pytest.raises(SessionLost) as caught:
        session.apply([lab.interface("A", "eth-1")], lab.mode())
    assert caught.value.outcome_unknown
    assert not session.alive


FOREIGN_ERROR = (
    '<rpc-error xmlns="{}"><error-type>application</error-type><error-tag>operation-failed'
    "</error-tag><error-severity>error</error-severity><error-message>no room for it"
    "</error-message></rpc-error>"
)


@pytest.mark.parametrize("said", ["", '<done xmlns="urn:vendor"/>', '<ok xmlns="urn:vendor"/>'])
def test_a_commit_that_is_answered_without_ok_is_an_unknown_outcome(
    session: Any, device: Any, lab: Any, said: str
) -> None:
    device.faults.answer("commit", said)
    with pytest.raises(SessionLost) as caught:
        session.apply([lab.interface("A", "eth-1")], lab.mode())
    assert caught.value.outcome_unknown
    assert not session.alive


@pytest.mark.parametrize("namespace", ["", "urn:vendor"])
def test_an_error_is_one_in_whatever_namespace_it_comes(
    session: Any, device: Any, lab: Any, namespace: str
) -> None:
    device.faults.answer("commit", FOREIGN_ERROR.format(namespace))
    with pytest.raises(CommitRefused, match="no room for it"):
        session.apply([lab.interface("A", "eth-1")], lab.mode())


def test_a_warning_in_another_namespace_beside_ok_is_no_error(
    session: Any, device: Any, lab: Any
) -> None:
    warning = FOREIGN_ERROR.format("urn:vendor").replace(">error<", ">warning<")
    said = f'<ok xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"/>{warning}'
    device.faults.answer("commit", said)
    assert outcomes(session.apply([lab.interface("A", "eth-1")], lab.mode())) == [
        SiteOutcome.APPLIED
    ]


@pytest.mark.parametrize("framing", ["1.0", "1.1"])
@pytest.mark.parametrize("octets", [1, 7, 4096])
def test_chunks_may_end_inside_a_character_and_white_space_may_come_first(
    lab: Any, closing: Any, framing: str, octets: int
) -> None:
    device, endpoint = lab.olt(framing=framing)
    device.faults.chunk_octets, device.faults.before_messages = octets, b"\n \n"
    session = closing(NetconfSession(endpoint, PROFILE, lab.resolve))
    text = "Zürich, Café 🚀"
    named = Edit((*ROOT, "description"), None, text)
    session.apply([SiteEdits("A", (*lab.interface("A", "eth-1").edits, named))], lab.mode())
    assert session.read([ROOT])[*ROOT, "description"] == text


def test_a_session_lost_before_the_commit_is_no_unknown_outcome(
    session: Any, device: Any, lab: Any
) -> None:
    device.faults.drop_session("edit-config", "before")
    with pytest.raises(SessionLost) as caught:
        session.apply([lab.interface("A", "eth-1")], lab.mode())
    assert not caught.value.outcome_unknown
    assert device.counters.commits == 0


def test_somebody_elses_lock_is_reported_with_its_session(
    session: Any, endpoint: Endpoint, device: Any, lab: Any, closing: Any
) -> None:
    from adapters.netconf import operations

    other = closing(NetconfSession(endpoint, PROFILE, lab.resolve))
    other._rpc.call(operations.lock("candidate"), 5)
    with pytest.raises(LockDenied) as caught:
        session.apply([lab.interface("A", "eth-1")], lab.mode())
    assert caught.value.holder == other._rpc._session.id
    assert (caught.value.retry, caught.value.reason) == (True, "DEVICE_LOCKED")
    assert f"(session {caught.value.holder})" in str(caught.value)


def test_a_confirmed_commit_is_confirmed_from_another_session(
    session: Any, endpoint: Endpoint, device: Any, lab: Any, closing: Any
) -> None:
    receipt = session.apply([lab.interface("A", "eth-1")], lab.mode("t-7", confirm_within=60))
    assert receipt.confirming
    session.close()
    other = closing(NetconfSession(endpoint, PROFILE, lab.resolve))
    other.confirm("t-7")
    with pytest.raises(CommitRefused):
        other.cancel("t-7")
    assert b"eth-1" in device.running_xml()


def test_a_confirmed_commit_is_taken_back_at_once(session: Any, device: Any, lab: Any) -> None:
    session.apply([lab.interface("A", "eth-1")], lab.mode("t-8", confirm_within=60))
    assert b"eth-1" in device.running_xml()
    session.cancel("t-8")
    assert b"eth-1" not in device.running_xml()


@pytest.fixture
def old(lab: Any) -> Any:
    """A device whose confirmed commits end with their session (:confirmed-commit:1.0)."""
    return lab.olt(confirmed_commit="1.0")


@pytest.fixture
def own(old: Any, lab: Any, closing: Any) -> NetconfSession:
    return closing(NetconfSession(old[1], PROFILE, lab.resolve))  # type: ignore[no-any-return]


def kinds(device: Any) -> list[str]:
    return [commit.kind for commit in device.counters.applied]


def test_without_persist_the_session_that_committed_confirms(own: Any, old: Any, lab: Any) -> None:
    assert Capability.CONFIRMED_COMMIT in own.capabilities
    assert Capability.PERSIST not in own.capabilities
    receipt = own.apply([lab.interface("A", "eth-1")], lab.mode("t-1", confirm_within=60))
    assert receipt.confirming
    assert not own.alive, "a pool must not lend it to others"
    own.confirm("t-1")
    assert own.alive
    assert kinds(old[0]) == ["confirmed", "confirming"]
    assert b"eth-1" in old[0].running_xml()


def test_without_persist_a_commit_goes_back_with_its_session(
    own: Any, old: Any, lab: Any, closing: Any
) -> None:
    own.apply([lab.interface("A", "eth-1")], lab.mode("t-1", confirm_within=60))
    own.close()
    other = closing(NetconfSession(old[1], PROFILE, lab.resolve))
    with pytest.raises(CommitRefused, match="no confirmed commit"):
        other.cancel("t-1")
    with pytest.raises(CommitRefused, match="no confirmed commit"):
        other.confirm("t-1")
    assert b"eth-1" not in old[0].running_xml()
    assert kinds(old[0]) == ["confirmed", "revert"]


def test_without_persist_another_session_is_told_that_one_is_under_way(
    own: Any, old: Any, lab: Any, closing: Any
) -> None:
    own.apply([lab.interface("A", "eth-1")], lab.mode("t-1", confirm_within=60))
    other = closing(NetconfSession(old[1], PROFILE, lab.resolve))
    with pytest.raises(LockDenied):
        other.cancel("t-1")
    with pytest.raises(CommitRefused):
        other.confirm("t-1")
    own.confirm("t-1")
    assert b"eth-1" in old[0].running_xml()


def test_without_persist_cancelling_ends_the_conversation_and_goes_on_with_another(
    own: Any, old: Any, lab: Any
) -> None:
    own.apply([lab.interface("A", "eth-1")], lab.mode("t-1", confirm_within=60))
    own.cancel("t-1")
    assert b"eth-1" not in old[0].running_xml()
    assert own.alive
    own.apply([lab.interface("B", "eth-2")], lab.mode("t-2", confirm_within=60))
    own.confirm("t-2")
    assert b"eth-2" in old[0].running_xml()


def test_without_persist_a_window_that_closed_is_not_confirmed(
    own: Any, old: Any, lab: Any
) -> None:
    own.apply([lab.interface("A", "eth-1")], lab.mode("t-1", confirm_within=1))
    deadline = time.monotonic() + 5
    while kinds(old[0]) != ["confirmed", "revert"] and time.monotonic() < deadline:
        threading.Event().wait(0.05)
    with pytest.raises(CommitRefused, match="no confirmed commit"):
        own.confirm("t-1")
    assert b"eth-1" not in old[0].running_xml()


@pytest.mark.parametrize(
    ("offered", "used", "has"),
    [
        ("1.1", "persist", {Capability.CONFIRMED_COMMIT, Capability.PERSIST}),
        ("1.1", "session", {Capability.CONFIRMED_COMMIT}),
        ("1.1", "none", set()),
        ("1.0", "persist", {Capability.CONFIRMED_COMMIT}),
        ("1.0", "none", set()),
        ("", "persist", set()),
    ],
)
def test_the_hello_offers_and_the_dialect_says_what_is_used(
    lab: Any, closing: Any, offered: str, used: str, has: set[Capability]
) -> None:
    device, endpoint = lab.olt(confirmed_commit=offered)
    dialect = NetconfDialect(confirmed_commit=used, with_defaults="explicit")
    profile = PROFILE.model_copy(update={"dialect": dialect})
    session = closing(NetconfSession(endpoint, profile, lab.resolve))
    both = {Capability.CONFIRMED_COMMIT, Capability.PERSIST}
    assert session.capabilities & both == has
    receipt = session.apply([lab.interface("A", "eth-1")], lab.mode("t", confirm_within=60))
    assert receipt.confirming == bool(has)
    if has:
        session.confirm("t")
    assert b"eth-1" in device.running_xml()


def restarted(lab: Any, device: Any) -> None:
    """Lose power and come up again, with what the device has kept."""
    lab.loop.run(device.stop())
    lab.loop.run(device.start())


@pytest.mark.parametrize("seconds", [None, 60])
def test_what_is_in_force_for_good_survives_a_restart_of_a_device_with_a_startup_datastore(
    lab: Any, closing: Any, seconds: int | None
) -> None:
    device, endpoint = lab.olt(has_startup=True)
    session = closing(NetconfSession(endpoint, PROFILE, lab.resolve))
    assert Capability.STARTUP in session.capabilities
    session.apply([lab.interface("A", "eth-1")], lab.mode("t", confirm_within=seconds))
    if seconds:
        session.confirm("t")
    restarted(lab, device)
    assert b"eth-1" in device.running_xml()


def test_what_waits_for_its_confirmation_is_gone_after_a_restart(lab: Any, closing: Any) -> None:
    device, endpoint = lab.olt(has_startup=True)
    session = closing(NetconfSession(endpoint, PROFILE, lab.resolve))
    session.apply([lab.interface("A", "eth-1")], lab.mode("t", confirm_within=60))
    assert b"eth-1" in device.running_xml()
    restarted(lab, device)
    assert b"eth-1" not in device.running_xml()


def test_a_default_that_the_server_leaves_out_is_read_all_the_same(
    olt: Any, lab: Any, closing: Any
) -> None:
    enabled = "/ietf-interfaces:interfaces/interface/enabled"
    dialect = NetconfDialect(with_defaults="trim", defaults={enabled: "true"})
    profile = PROFILE.model_copy(update={"dialect": dialect})
    session = closing(NetconfSession(olt[1], profile, lab.resolve))
    session.apply([lab.interface("A", "eth-1", enabled="true")], lab.mode())
    session.apply([lab.interface("B", "eth-2", enabled="false")], lab.mode())
    other = ("ietf-interfaces:interfaces", "interface[name='eth-2']", "enabled")
    shown = session.read([(*ROOT, "enabled"), other])
    assert (shown[*ROOT, "enabled"], shown[other]) == ("true", "false")


def test_removal_of_what_is_gone_already_is_no_error(session: Any, lab: Any) -> None:
    edits = SiteEdits("A", (Edit(ROOT, "", None),))
    assert outcomes(session.apply([edits], lab.mode())) == [SiteOutcome.APPLIED]


def test_a_probe_answers_by_name_and_none_for_what_is_absent(session: Any, lab: Any) -> None:
    session.apply([lab.interface("A", "eth-1")], lab.mode())
    absent = ("ietf-interfaces:interfaces", "interface[name='eth-9']", "type")
    facts = session.probe([Query("type", (*ROOT, "type")), Query("gone", absent)])
    assert facts == {"type": "iana-if-type:ethernetCsmacd", "gone": None}


def test_another_host_key_ends_it_before_credentials_leave(
    lab: Any, endpoint: Endpoint, device: Any, other_key: str
) -> None:
    for key in (other_key, other_key.replace("AAAAC3", "AAAAC4")):
        with pytest.raises(HostKeyMismatch) as caught:
            NetconfSession(replace(endpoint, host_key=key), PROFILE, lab.resolve)
        assert caught.value.reason == "HOST_KEY_CHANGED"


def test_a_wrong_password_is_one_try_and_never_shown(
    lab: Any, endpoint: Endpoint, device: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    before = device.counters.connections
    wrong = replace(endpoint, password=SecretStr("wrong-Horse"))
    with pytest.raises(AuthenticationFailed) as caught:
        NetconfSession(wrong, PROFILE, lab.resolve)
    assert not caught.value.retry
    assert device.counters.connections == before + 1
    assert "wrong-Horse" not in str(caught.value) + repr(caught.value) + caplog.text + repr(wrong)


def test_a_closed_port_is_unreachable(lab: Any, endpoint: Endpoint) -> None:
    with pytest.raises(Unreachable):
        NetconfSession(replace(endpoint, port=1), PROFILE, lab.resolve)


def test_the_old_framing_works_as_well(lab: Any, closing: Any) -> None:
    _, endpoint = lab.olt(framing="1.0")
    session = closing(NetconfSession(endpoint, PROFILE, lab.resolve))
    session.apply([lab.interface("A", "eth-1")], lab.mode())
    assert ROOT in session.read([ROOT])


def test_a_large_edit_goes_through(session: Any, lab: Any) -> None:
    edits = tuple(
        edit for n in range(1500) for edit in lab.interface("A", f"ethernet-interface-{n}").edits
    )
    assert outcomes(session.apply([SiteEdits("A", edits)], lab.mode())) == [SiteOutcome.APPLIED]


def test_evidence_is_what_the_device_shows_in_the_scope(session: Any, lab: Any) -> None:
    wanted = [lab.interface("A", "eth-1", description="kept"), lab.interface("B", "eth-2")]
    session.apply(wanted, lab.mode())
    shown = session.evidence([wanted[0].edits[0].path])
    assert b"eth-1" in shown
    assert b"kept" in shown
    assert b"eth-2" not in shown
    assert b"eth-1" not in session.evidence([])


def test_a_device_that_restarts_while_we_log_in_is_unreachable_and_has_refused_nothing(
    endpoint: Endpoint, device: Any, lab: Any
) -> None:
    device.faults.restarts_at_login = 1
    with pytest.raises(LoginBroken) as raised:
        NetconfSession(endpoint, PROFILE, lab.resolve).read([])
    assert (raised.value.reason, raised.value.retry) == ("DEVICE_UNREACHABLE", True)


def test_a_device_with_an_rsa_key_that_signs_with_sha2_only_is_known_by_it(
    lab: Any, closing: Any
) -> None:
    device, endpoint = lab.olt(key_kind="ssh-rsa")
    assert endpoint.host_key.startswith("ssh-rsa ")
    session = closing(NetconfSession(endpoint, PROFILE, lab.resolve))
    assert outcomes(session.apply([lab.interface("A", "eth-1")], lab.mode())) == [
        SiteOutcome.APPLIED
    ]
    assert device.counters.logins == 1
    other, _ = lab.olt(key_kind="ssh-rsa")
    with pytest.raises(HostKeyMismatch) as caught:
        NetconfSession(replace(endpoint, host_key=other.host_key_public), PROFILE, lab.resolve)
    assert caught.value.reason == "HOST_KEY_CHANGED"
    assert device.counters.logins == 1


@pytest.mark.parametrize("pinned", [None, "", "ssh-rsa", "ssh-rsa !!!"])
def test_a_key_that_is_missing_or_unreadable_is_another_reason_than_one_that_has_changed(
    endpoint: Endpoint, device: Any, lab: Any, pinned: str | None
) -> None:
    with pytest.raises(HostKeyUnknown) as caught:
        NetconfSession(replace(endpoint, host_key=pinned), PROFILE, lab.resolve)
    assert caught.value.reason == "HOST_KEY_UNKNOWN"
    assert device.counters.connections == 0


@pytest.mark.parametrize("kind", ["ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256"])
def test_the_gateway_logs_in_by_key_where_the_secret_is_one(
    lab: Any, closing: Any, kind: str
) -> None:
    key = asyncssh.generate_private_key(kind)
    device, endpoint = lab.olt(authorized=public_line(key))
    secret = SecretStr(key.export_private_key().decode())
    closing(NetconfSession(replace(endpoint, password=secret), PROFILE, lab.resolve))
    logins = device.counters.logins
    stranger = SecretStr(asyncssh.generate_private_key(kind).export_private_key().decode())
    with pytest.raises(AuthenticationFailed) as caught:
        NetconfSession(replace(endpoint, password=stranger), PROFILE, lab.resolve)
    assert device.counters.logins == logins + 1
    assert "PRIVATE KEY" not in str(caught.value)


def test_a_private_key_with_a_passphrase_is_told_before_anything_leaves(
    endpoint: Endpoint, device: Any, lab: Any
) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519").export_private_key(passphrase="x")
    locked = replace(endpoint, password=SecretStr(key.decode()))
    with pytest.raises(SecretUnavailable, match="without a passphrase"):
        NetconfSession(locked, PROFILE, lab.resolve)
    assert device.counters.connections == 0


def test_a_device_goes_back_by_itself_though_a_gateway_that_hangs_holds_its_session(
    session: Any, device: Any, lab: Any
) -> None:
    before = device.running_xml()
    session.apply([lab.interface("A", "eth-1")], lab.mode(confirm_within=1))
    assert session.alive is False  # it has a lock, so nobody else gets it
    deadline = time.monotonic() + 10
    while device.running_xml() != before:
        assert time.monotonic() < deadline
        threading.Event().wait(0.05)
    assert kinds(device) == ["confirmed", "revert"]


def test_a_server_whose_timer_waits_for_the_lock_is_why_running_is_not_held(
    endpoint: Endpoint, device: Any, lab: Any, closing: Any
) -> None:
    held = PROFILE.dialect.model_copy(update={"locked_in_window": {"candidate", "running"}})
    profile = PROFILE.model_copy(update={"dialect": held})
    session = closing(NetconfSession(endpoint, profile, lab.resolve))
    session.apply([lab.interface("A", "eth-1")], lab.mode(confirm_within=1))
    threading.Event().wait(1.5)
    assert kinds(device) == ["confirmed"]
    session.close()
    deadline = time.monotonic() + 10
    while kinds(device) != ["confirmed", "revert"]:
        assert time.monotonic() < deadline
        threading.Event().wait(0.05)


@pytest.mark.parametrize("tag", ["operation-failed", "resource-denied", "access-denied"])
def test_whatever_a_device_answers_to_a_lock_is_about_the_device_and_tried_again(
    session: Any, device: Any, lab: Any, tag: str
) -> None:
    base = "urn:ietf:params:xml:ns:netconf:base:1.0"
    device.faults.answer("lock", FOREIGN_ERROR.format(base).replace("operation-failed", tag))
    with pytest.raises(LockDenied) as caught:
        session.apply([lab.interface("A", "eth-1")], lab.mode())
    assert (caught.value.reason, caught.value.retry) == ("DEVICE_LOCKED", True)
    assert device.counters.commits == 0


def test_what_somebody_else_has_changed_since_it_was_read_is_not_overwritten(
    session: Any, endpoint: Endpoint, device: Any, lab: Any, closing: Any
) -> None:
    planned = lab.interface("A", "eth-1")  # when there was nothing
    other = closing(NetconfSession(endpoint, PROFILE, lab.resolve))
    theirs = Edit((*ROOT, "description"), None, "theirs")
    other.apply([SiteEdits("X", (*lab.interface("X", "eth-1").edits, theirs))], lab.mode())
    ours = SiteEdits("A", (*planned.edits, Edit((*ROOT, "description"), None, "ours")))
    before = device.running_xml()
    with pytest.raises(LockDenied, match=r"somebody else has changed .*description"):
        session.apply([ours], lab.mode())
    assert device.running_xml() == before
    session.apply([SiteEdits("A", planned.edits)], lab.mode())  # as it is there already
