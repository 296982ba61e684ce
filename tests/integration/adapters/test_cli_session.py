from dataclasses import replace
from typing import Any

import asyncssh
import pytest
from pydantic import SecretStr

from adapters.cli.session import CliSession
from adapters.errors import (
    AuthenticationFailed,
    HostKeyMismatch,
    LockDenied,
    LoginBroken,
    ProtocolError,
    SecretUnavailable,
    SessionLost,
    Unreachable,
)
from adapters.seam import Capability, Endpoint, Query, SiteEdits, SiteOutcome
from device_profiles.dialects import CliDialect, ConfigurationMode, Save
from device_profiles.profile import Profile, load_profile
from device_profiles.tree import Edit
from mock_devices.host_keys import public_line

PORT = "interface GigabitEthernet0/7"
UPLINK = "interface TenGigabitEthernet0/1"
SITE = SiteEdits(
    "ENT-1102-SYD2",
    (
        Edit(("vlan 2110",), None, ""),
        Edit(("vlan 2110", "name"), None, "ENT-1102-SYD2"),
        Edit((PORT, "description"), None, "SI-FA-ENT-1102-SYD2"),
        Edit((PORT, "switchport access vlan"), None, "2110"),
        Edit((PORT, "shutdown"), "no", "yes"),
        Edit((UPLINK, "switchport trunk allowed vlan[.='2110']"), None, ""),
    ),
)
SCOPE = [edit.path for edit in SITE.edits]
WANTED = {edit.path: edit.after for edit in SITE.edits}


@pytest.fixture(params=["netmiko", "scrapli"])
def profile(request: pytest.FixtureRequest) -> Profile:
    found = load_profile("ios-switch")
    assert isinstance(found.dialect, CliDialect)
    platform = {"netmiko": "cisco_ios", "scrapli": "cisco_iosxe"}[request.param]
    changes = {"library": request.param, "platform": platform}
    return found.model_copy(update={"dialect": found.dialect.model_copy(update=changes)})


@pytest.fixture
def switch(lab: Any) -> Any:
    return lab.switch()


@pytest.fixture
def device(switch: Any) -> Any:
    return switch[0]


@pytest.fixture
def endpoint(switch: Any) -> Endpoint:
    return switch[1]  # type: ignore[no-any-return]  # the lab is not importable


@pytest.fixture
def session(endpoint: Endpoint, profile: Profile, lab: Any, closing: Any) -> CliSession:
    return closing(CliSession(endpoint, profile, lab.resolve))  # type: ignore[no-any-return]


def held(session: Any) -> dict[Any, str]:
    """What a read of the site's scope says about the site's paths."""
    return {path: value for path, value in session.read(SCOPE).items() if path in WANTED}


def inverse(site: SiteEdits) -> SiteEdits:
    return SiteEdits(site.site, tuple(edit.inverted() for edit in site.edits))


def test_what_is_applied_is_read_back_and_saved(session: Any, device: Any, lab: Any) -> None:
    receipt = session.apply([SITE], lab.mode())
    assert receipt.sites[0].outcome is SiteOutcome.APPLIED, receipt.sites[0].error
    assert held(session) == WANTED
    assert "2110" in device.startup_config


def test_the_other_vlans_of_a_trunk_stay(session: Any, device: Any, lab: Any) -> None:
    session.apply([SITE], lab.mode())
    other = SiteEdits("B", (Edit((UPLINK, "switchport trunk allowed vlan[.='2111']"), None, ""),))
    session.apply([other], lab.mode())
    session.apply([inverse(other)], lab.mode())
    assert held(session) == WANTED


def test_what_is_taken_back_is_as_it_was(session: Any, device: Any, lab: Any) -> None:
    before = device.running_config
    session.apply([SITE], lab.mode())
    assert device.running_config != before
    session.apply([inverse(SITE)], lab.mode())
    assert device.running_config == before


def test_a_batch_without_edits_sends_nothing(session: Any, device: Any, lab: Any) -> None:
    device.record.lines.clear()
    receipt = session.apply([SiteEdits("A", ())], lab.mode())
    assert receipt.sites[0].outcome is SiteOutcome.APPLIED
    assert not device.record.lines


@pytest.mark.parametrize(
    "message",
    [
        "% Invalid input detected at '^' marker.",
        "% Incomplete command.",
        "% Ambiguous command:",
        "% Command rejected: resource exhausted",
        "Command rejected: GigabitEthernet0/7 is a member of a bundle.",
    ],
)
def test_a_refused_line_undoes_its_site_and_the_others_go_on(
    session: Any, device: Any, lab: Any, message: str
) -> None:
    before = device.running_config
    device.faults.refuse("switchport access vlan 2110", message)
    other = SiteEdits("B", (Edit(("interface GigabitEthernet0/9", "description"), None, "B"),))
    receipt = session.apply([SITE, other], lab.mode())
    refused, applied = receipt.sites
    assert refused.outcome is SiteOutcome.REFUSED
    assert message in refused.error
    assert "not undone" not in refused.error
    assert applied.outcome is SiteOutcome.APPLIED
    session.apply([inverse(other)], lab.mode())
    assert device.running_config == before


def test_console_noise_is_no_error(session: Any, device: Any, lab: Any) -> None:
    for _ in range(4):
        device.faults.make_noise(
            "Nov 21 11:00:00.123: %LINK-3-UPDOWN: Interface GigabitEthernet0/7, changed state to up"
        )
    receipt = session.apply([SITE], lab.mode())
    assert receipt.sites[0].outcome is SiteOutcome.APPLIED
    device.faults.make_noise("Nov 21 11:00:00.123: %SYS-5-CONFIG_I: Configured from console")
    assert held(session) == WANTED


def test_a_new_hostname_does_not_lose_the_prompt(session: Any, device: Any, lab: Any) -> None:
    before = session.read([("hostname",)]).get(("hostname",))
    rename = SiteEdits("A", (Edit(("hostname",), before, "quite-another-name"),))
    session.apply([rename, SITE], lab.mode())
    assert session.read([("hostname",)]) == {("hostname",): "quite-another-name"}


def test_a_session_lost_among_the_lines_is_an_unknown_outcome(
    session: Any, device: Any, lab: Any
) -> None:
    device.faults.drop_session_after(2)
    with pytest.raises(SessionLost) as caught:
        session.apply([SITE], lab.mode())
    assert caught.value.outcome_unknown
    assert not session.alive


def test_nothing_is_saved_before_confirm_when_a_window_is_asked_for(
    session: Any, device: Any, lab: Any
) -> None:
    writes = device.record.counters["writes"]
    session.apply([SITE], lab.mode("t", confirm_within=60))
    assert device.record.counters["writes"] == writes
    session.confirm("t")
    assert device.record.counters["writes"] == writes + 1


@pytest.mark.parametrize("answer", ["show clock", "write erased"])
def test_nothing_counts_as_saved_without_the_word_for_it(
    endpoint: Endpoint, profile: Profile, device: Any, lab: Any, closing: Any, answer: str
) -> None:
    assert isinstance(profile.dialect, CliDialect)
    save = Save(line=answer, works=r"\[OK\]")
    dialect = profile.dialect.model_copy(update={"save": save})
    session = closing(
        CliSession(endpoint, profile.model_copy(update={"dialect": dialect}), lab.resolve)
    )
    session.apply([SITE], lab.mode("t", confirm_within=60))
    with pytest.raises(ProtocolError, match="applied but not saved"):
        session.confirm("t")
    assert "2110" not in (device.startup_config or "")


def test_a_platform_without_a_save_line_saves_nothing(
    endpoint: Endpoint, profile: Profile, device: Any, lab: Any, closing: Any
) -> None:
    assert isinstance(profile.dialect, CliDialect)
    dialect = profile.dialect.model_copy(update={"save": None})
    session = closing(
        CliSession(endpoint, profile.model_copy(update={"dialect": dialect}), lab.resolve)
    )
    assert Capability.STARTUP not in session.capabilities
    session.apply([SITE], lab.mode())
    assert "2110" not in (device.startup_config or "")


def test_a_platform_with_a_revert_timer_takes_everything_back_on_cancel(
    endpoint: Endpoint, profile: Profile, device: Any, lab: Any, closing: Any
) -> None:
    archive = SiteEdits(
        "setup", (Edit(("archive",), None, ""), Edit(("archive", "path flash:back"), None, ""))
    )
    assert isinstance(profile.dialect, CliDialect)
    mode = ConfigurationMode(
        enter="configure terminal",
        leave="end",
        up="exit",
        timed="configure terminal revert timer {minutes}",
        confirm="configure confirm",
        revert="configure revert now",
    )
    dialect = profile.dialect.model_copy(update={"configuration": mode})
    timed = profile.model_copy(update={"dialect": dialect})
    session = closing(CliSession(endpoint, timed, lab.resolve))
    assert session.apply([archive], lab.mode()).sites[0].outcome is SiteOutcome.APPLIED
    before = device.running_config
    receipt = session.apply([SITE], lab.mode("t", confirm_within=60))
    assert receipt.confirming
    session.cancel("t")
    assert device.running_config == before
    session.apply([SITE], lab.mode("u", confirm_within=60))
    session.confirm("u")
    assert held(session) == WANTED


def test_a_secret_is_sent_but_never_shown(
    session: Any, device: Any, lab: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    secret = SiteEdits("A", (Edit(("enable secret",), None, "secret:enable"),))
    receipt = session.apply([secret], lab.mode())
    assert receipt.sites[0].outcome is SiteOutcome.APPLIED, receipt.sites[0].error
    value = lab.resolve("enable").get_secret_value()
    shown = receipt.sent + repr(session) + repr(receipt) + caplog.text
    assert value not in shown
    assert session.read([("enable secret",)])[("enable secret",)].startswith("digest:")


def test_a_description_that_reads_like_a_secret_stays_text(
    session: Any, device: Any, lab: Any
) -> None:
    edits = (Edit((PORT, "description"), None, "secret:enable"),)
    session.apply([SiteEdits("A", edits)], lab.mode())
    assert "description secret:enable" in device.running_config


def test_a_probe_takes_the_first_group_of_what_the_command_prints(session: Any) -> None:
    facts = session.probe(
        [
            Query("state", command=f"show {PORT.replace('interface', 'interfaces')}",
                  pattern=r"line protocol is (\w+)"),
            Query("none", command="show version", pattern=r"no such (\w+) text"),
        ]
    )  # fmt: skip
    assert facts["state"] in ("up", "down")
    assert facts["none"] is None


def test_a_long_configuration_is_read_without_a_pager(session: Any, lab: Any) -> None:
    edits = tuple(Edit((f"vlan {n}",), None, "") for n in range(3000, 3040))
    session.apply([SiteEdits("A", edits)], lab.mode())
    assert len(session.read([edit.path for edit in edits])) == 40


def test_another_host_key_ends_it_before_credentials_leave(
    endpoint: Endpoint, profile: Profile, device: Any, lab: Any, other_key: str
) -> None:
    for key in (other_key, None):
        with pytest.raises(HostKeyMismatch):
            CliSession(replace(endpoint, host_key=key), profile, lab.resolve)
    assert device.record.counters["sessions"] == 0
    assert device.record.counters["logins_refused"] == 0


def test_a_wrong_password_is_one_try(
    endpoint: Endpoint, profile: Profile, device: Any, lab: Any
) -> None:
    wrong = replace(endpoint, password=SecretStr("wrong-Horse"))
    with pytest.raises(AuthenticationFailed) as caught:
        CliSession(wrong, profile, lab.resolve)
    assert device.record.counters["logins_refused"] == 1
    assert "wrong-Horse" not in str(caught.value)


def test_a_closed_port_is_unreachable(endpoint: Endpoint, profile: Profile, lab: Any) -> None:
    with pytest.raises(Unreachable):
        CliSession(replace(endpoint, port=1), profile, lab.resolve)


def test_a_device_that_restarts_while_we_log_in_is_unreachable_and_has_refused_nothing(
    endpoint: Endpoint, device: Any, lab: Any, profile: Profile
) -> None:
    device.faults.restarts_at_login = 1
    with pytest.raises(LoginBroken) as raised:
        CliSession(endpoint, profile, lab.resolve).read([])
    assert (raised.value.reason, raised.value.retry) == ("DEVICE_UNREACHABLE", True)


def test_an_uplink_that_carries_every_vlan_is_as_it_was_whatever_comes_and_goes(
    lab: Any, profile: Profile, closing: Any
) -> None:
    uplink = "interface TenGigabitEthernet0/1"
    device, endpoint = lab.switch(baseline=f"{uplink}\n switchport mode trunk\n!\nend\n")
    session = closing(CliSession(endpoint, profile, lab.resolve))
    before = device.running_config
    member = Edit((uplink, "switchport trunk allowed vlan[.='2110']"), None, "")
    sent = session.apply([SiteEdits("A", (member,))], lab.mode())
    assert [site.outcome for site in sent.sites] == [SiteOutcome.APPLIED]
    assert member.path in session.read([member.path])
    session.apply([SiteEdits("A", (member.inverted(),))], lab.mode())
    assert device.running_config == before


@pytest.mark.parametrize("pinned", ["ssh-rsa", "ssh-ed25519"])
def test_a_device_with_several_keys_is_known_by_the_one_that_is_pinned(
    lab: Any, profile: Profile, closing: Any, pinned: str
) -> None:
    device, endpoint = lab.switch(key_kinds=("ssh-ed25519", "ssh-rsa"))
    (key,) = [line for line in device.public_keys if line.startswith(pinned)]
    session = closing(CliSession(replace(endpoint, host_key=key), profile, lab.resolve))
    assert session.alive


@pytest.mark.parametrize("kind", ["ssh-ed25519", "ecdsa-sha2-nistp256"])
def test_the_gateway_logs_in_by_key_where_the_secret_is_one(
    lab: Any, profile: Profile, closing: Any, kind: str
) -> None:
    key = asyncssh.generate_private_key(kind)
    device, endpoint = lab.switch(authorized=public_line(key))
    secret = SecretStr(key.export_private_key().decode())
    assert closing(CliSession(replace(endpoint, password=secret), profile, lab.resolve)).alive
    stranger = SecretStr(asyncssh.generate_private_key(kind).export_private_key().decode())
    with pytest.raises(AuthenticationFailed) as caught:
        CliSession(replace(endpoint, password=stranger), profile, lab.resolve)
    assert device.record.counters["logins_refused"] == 1
    assert "PRIVATE KEY" not in str(caught.value)


def test_an_rsa_key_is_used_where_the_library_can_and_refused_in_words_where_it_cannot(
    lab: Any, profile: Profile, closing: Any
) -> None:
    key = asyncssh.generate_private_key("ssh-rsa")
    device, endpoint = lab.switch(authorized=public_line(key))
    by_key = replace(endpoint, password=SecretStr(key.export_private_key().decode()))
    if profile.dialect.library == "netmiko":
        assert closing(CliSession(by_key, profile, lab.resolve)).alive
        return
    with pytest.raises(SecretUnavailable, match="use an Ed25519 key"):
        CliSession(by_key, profile, lab.resolve)
    assert device.record.counters["logins_refused"] == 0


def test_what_somebody_else_has_changed_since_it_was_read_is_not_overwritten(
    session: Any, device: Any, lab: Any
) -> None:
    port = "interface GigabitEthernet0/2"
    session.apply([SiteEdits("X", (Edit((port, "description"), None, "theirs"),))], lab.mode())
    before = device.running_config
    ours = SiteEdits("A", (Edit((port, "description"), None, "ours"),))
    with pytest.raises(LockDenied, match=r"somebody else has changed .*description"):
        session.apply([ours], lab.mode())
    assert device.running_config == before
