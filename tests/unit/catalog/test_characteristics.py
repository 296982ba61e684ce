from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rom.catalog.bandwidth import Bandwidth
from rom.catalog.characteristics import typed_characteristics, typed_value, with_derived
from rom.catalog.errors import CharacteristicError
from rom.catalog.loader import Catalog, load_catalog
from rom.catalog.specification import Characteristic, Derived

SHIPPED = load_catalog()
QOS = {
    "downstream": "500M",
    "upstream": "500M",
    "slaTier": "Gold",
    "serviceClass": "enterprise",
}


def test_values_get_their_types(catalog: Catalog) -> None:
    typed = typed_characteristics(catalog.specification("RFS:QoS-Policy"), QOS)
    assert typed == QOS | {
        "downstream": Bandwidth(500_000_000),
        "upstream": Bandwidth(500_000_000),
    }


def test_the_policy_is_named_by_its_content(catalog: Catalog) -> None:
    spec = catalog.specification("RFS:QoS-Policy")
    values = with_derived(
        spec, typed_characteristics(spec, QOS | {"downstream": "1G", "upstream": "2500k"})
    )
    assert values["policy"] == "BW-1000-2500K-GOLD-ENT"
    assert values["traffic_descriptor"] == "TDP-BW-2500K-GOLD"
    assert values["subscriber_profile"] == "SUB-ENT-GOLD"
    assert values["layer2_upstream"] == Bandwidth(2_625_000)


def test_deriving_twice_changes_nothing(catalog: Catalog) -> None:
    spec = catalog.specification("RFS:QoS-Policy")
    once = with_derived(spec, typed_characteristics(spec, QOS))
    assert with_derived(spec, once) == once


@pytest.mark.parametrize(
    ("change", "name", "problem"),
    [
        ({"downstream": "fast"}, "downstream", "is no bandwidth"),
        ({"downstream": "11G"}, "downstream", "above the maximum 10G"),
        ({"downstream": "999k"}, "downstream", "below the minimum 1M"),
        ({"downstream": 5_000_001}, "downstream", "kbit/s"),
        ({"downstream": None}, "downstream", "is missing"),
        ({"slaTier": "Platinum"}, "slaTier", "is not one of Gold, Silver, Bronze"),
        ({"slaTier": 1}, "slaTier", "is no text"),
        ({"slaTier": "Gold\nno shutdown"}, "slaTier", "control character U+000A"),
        ({"slaTier": "\u202edloG"}, "slaTier", "control character U+202E"),
        ({"speed": "1G"}, "speed", "has no such characteristic"),
    ],
)
def test_a_refusal_names_characteristic_problem_and_fix(
    catalog: Catalog, change: dict[str, Any], name: str, problem: str
) -> None:
    with pytest.raises(CharacteristicError) as refused:
        typed_characteristics(catalog.specification("RFS:QoS-Policy"), QOS | change)
    assert refused.value.name == name
    assert problem in refused.value.problem
    assert refused.value.fix


def test_a_partial_set_needs_nothing_but_refuses_what_is_wrong(catalog: Catalog) -> None:
    spec = catalog.specification("RFS:QoS-Policy")
    assert typed_characteristics(spec, {}, partial=True) == {}
    assert typed_characteristics(spec, {"upstream": "1G"}, partial=True) == {
        "upstream": Bandwidth(10**9)
    }
    with pytest.raises(CharacteristicError, match="has no value"):
        typed_characteristics(spec, {"upstream": None}, partial=True)


def test_a_value_that_does_not_match_its_pattern_as_a_whole_is_refused(catalog: Catalog) -> None:
    spec = catalog.specification("RFS:GPON-Bearer")
    with pytest.raises(CharacteristicError, match=r"oltArea: .* does not match"):
        typed_characteristics(spec, {"bearerSpeed": "1G", "oltArea": "SOUTH-03 extra"})


def test_what_is_no_number_within_the_limits_is_refused(catalog: Catalog) -> None:
    spec = catalog.specification("RFS:SLA-Monitoring")
    raw = {"availabilityPercent": 99.95, "packetLossPercent": 0.01}
    for junk in (float("nan"), float("inf"), True, "ten", "1e3", [], {}, 10**5000):
        with pytest.raises(CharacteristicError, match="latencyMs"):
            typed_characteristics(spec, raw | {"latencyMs": junk})


def test_numbers_sent_as_text_are_taken(catalog: Catalog) -> None:
    spec = catalog.specification("RFS:SLA-Monitoring")
    raw = {"availabilityPercent": "99.95", "packetLossPercent": 0.01, "latencyMs": "10"}
    typed = typed_characteristics(spec, raw)
    assert typed["availabilityPercent"] == 99.95
    assert typed["latencyMs"] == 10


def test_an_absent_value_takes_its_default() -> None:
    spec = _spec_with(Characteristic(name="wan", type="boolean", default=True))
    assert typed_characteristics(spec, {}) == {"wan": True}
    assert typed_characteristics(spec, {"wan": "false"}) == {"wan": False}


def test_whole_numbers_are_whole() -> None:
    count = Characteristic(name="count", type="integer", minimum=1, maximum=8)
    assert [typed_value(count, value) for value in (3, 3.0, "3")] == [3, 3, 3]
    for junk in (3.5, True, "3.0", 0, 9):
        with pytest.raises(CharacteristicError, match="count"):
            typed_value(count, junk)


def test_a_derived_value_without_its_characteristic_is_an_error_not_a_gap() -> None:
    spec = _spec_with(
        Characteristic(name="tier", type="string"),
        derive=(Derived(name="profile", expression="'SUB-' ~ tier"),),
    )
    with pytest.raises(CharacteristicError, match=r"profile: cannot be derived: .*undefined"):
        with_derived(spec, {})


def test_an_expression_cannot_reach_out_of_the_sandbox() -> None:
    spec = _spec_with(
        Characteristic(name="tier", type="string"),
        derive=(Derived(name="profile", expression="tier.__class__.__name__"),),
    )
    with pytest.raises(CharacteristicError, match="unsafe"):
        with_derived(spec, {"tier": "Gold"})


# The first text drawn builds a table of Unicode, which takes seconds on a busy machine.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(
        st.sampled_from([*QOS, "x"]),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text()),
    )
)
def test_any_input_is_either_typed_or_refused(raw: dict[str, Any]) -> None:
    spec = SHIPPED.specification("RFS:QoS-Policy")
    named = None
    typed: dict[str, Any] = {}
    try:
        typed = typed_characteristics(spec, raw)
    except CharacteristicError as error:
        named = error.name
    assert set(typed) == set(QOS) or named in {*QOS, "x"}


def _spec_with(characteristic: Characteristic, **members: Any) -> Any:
    spec = SHIPPED.specification("RFS:CE-Router")
    return spec.model_copy(update={"characteristics": (characteristic,), "derive": ()} | members)
