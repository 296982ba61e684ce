"""What a device refuses of a whole configuration."""

from typing import Any

import pytest

from mock_devices.netconf.edit import EditRefusedError
from mock_devices.netconf.errors import InvalidConfigurationError
from mock_devices.netconf.schema import instance_path
from mock_devices.netconf.validation import Validator

ITEM = "<item><name>{}</name>{}</item>"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("<chosen>a</chosen>", "instance-required /t:top/t:chosen"),
        ("<many>a</many>", "instance-required /t:top/t:many"),
        (ITEM.format("a", "<slot>2</slot>") + "<fit>a</fit>", "must-violation /t:top/t:fit"),
        (ITEM.format("a", "<high>4</high><needed>x</needed>"),
         "must-violation /t:top/t:item[t:name='a']"),
        (ITEM.format("a", "<high>7</high>"), "missing-element /t:top/t:item[t:name='a']/t:needed"),
        (ITEM.format("a", "<needed>x</needed>"),
         "unknown-element /t:top/t:item[t:name='a']/t:needed"),
        (ITEM.format("a", "<slot>1</slot>") + ITEM.format("b", "<slot>1</slot>"),
         "data-not-unique /t:top/t:item[t:name='b']"),
        (ITEM.format("a", "<part><x>1</x><y>1</y></part>") + ITEM.format("b", "<first>1</first>"),
         "instance-required /t:top/t:item[t:name='b']/t:first"),
    ],
)  # fmt: skip
def test_a_broken_rule_is_named_with_its_place(bench: Any, content: str, expected: str) -> None:
    bench.top(content)
    assert bench.validated() == [expected]


def test_a_whole_and_consistent_configuration_is_accepted(bench: Any) -> None:
    bench.top(
        ITEM.format("a", "<slot>1</slot><part><x>1</x><y>1</y></part><first>1</first>")
        + ITEM.format("b", "<slot>2</slot><high>6</high><needed>n</needed>")
        + "<chosen>b</chosen><fit>a</fit><many>a</many><many>b</many>"
    )
    assert bench.validated() == []


def test_a_leaf_unique_on_the_device_may_be_used_once_across_all_lists(bench: Any) -> None:
    part = "<part><x>1</x><y>1</y><id>5</id></part>"
    bench.top(ITEM.format("a", part) + ITEM.format("b", part))
    assert [error.split()[0] for error in bench.validated()] == ["data-not-unique"]


def test_removing_what_is_referred_to_names_the_unchanged_leaf_that_refers(bench: Any) -> None:
    judge = Validator(bench.schema)
    bench.top(ITEM.format("a", "") + "<chosen>a</chosen>")
    judge.check(bench.state)
    judge.accept(bench.state)
    bench.top('<item nc:operation="remove"><name>a</name></item>')
    with pytest.raises(InvalidConfigurationError) as invalid:
        judge.check(bench.state)
    assert [instance_path(error.where) for error in invalid.value.errors] == ["/t:top/t:chosen"]
    bench.top('<chosen nc:operation="remove">a</chosen>')
    judge.check(bench.state)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("<fixed-bandwidth>5</fixed-bandwidth><maximum-bandwidth>4</maximum-bandwidth>",
         "at least the sum"),
        ("<maximum-bandwidth>4</maximum-bandwidth>"
         "<additional-bw-eligibility-indicator>none</additional-bw-eligibility-indicator>",
         "must equal the sum"),
        ("<fixed-bandwidth>5</fixed-bandwidth>", "mandatory maximum-bandwidth"),
    ],
)  # fmt: skip
def test_an_olt_refuses_profiles_that_do_not_add_up(
    bench_of: Any, content: str, message: str
) -> None:
    bench = bench_of("bbf-olt")
    bench.edit(
        '<xpongemtcont xmlns="urn:bbf:yang:bbf-xpongemtcont"><traffic-descriptor-profiles>'
        f"<traffic-descriptor-profile><name>T</name>{content}</traffic-descriptor-profile>"
        "</traffic-descriptor-profiles></xpongemtcont>"
    )
    with pytest.raises(InvalidConfigurationError, match=message):
        Validator(bench.schema).check(bench.state)


def test_a_probe_sends_from_dynamic_ports_only(bench_of: Any) -> None:
    bench = bench_of("ietf-twamp-probe")
    content = (
        '<twamp xmlns="urn:ietf:params:xml:ns:yang:ietf-twamp"><client><ctrl-connection>'
        "<name>c</name><server-ip>10.0.0.1</server-ip><test-session-request><name>s</name>"
        "<sender-udp-port>{}</sender-udp-port><reflector-ip>10.0.0.2</reflector-ip>"
        "</test-session-request></ctrl-connection></client></twamp>"
    )
    bench.edit(content.format(49152))
    assert bench.validated() == []
    with pytest.raises(EditRefusedError):
        bench.edit(content.format(49151))


def test_a_gateway_speaks_its_own_language_when_it_refuses(bench_of: Any) -> None:
    bench = bench_of("sros-bng")
    bench.edit(
        '<configure xmlns="urn:nokia.com:sros:ns:yang:sr:conf"><service><vprn>'
        "<service-name>ENT-1102</service-name><customer>NOBODY</customer></vprn></service></configure>"
    )
    with pytest.raises(InvalidConfigurationError) as invalid:
        Validator(bench.schema).check(bench.state)
    assert invalid.value.errors[0].message.startswith(
        'MINOR: MGMT_CORE #224: configure service vprn "ENT-1102" customer - Entry does not exist'
    )
