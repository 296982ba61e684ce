"""Subtree filters, with-defaults and writing."""

from typing import Any

import pytest

from mock_devices.netconf.defaults import presented
from mock_devices.netconf.filtering import children_of, selected
from mock_devices.netconf.operational import StateRequest, state_tree
from mock_devices.netconf.tree import EMPTY, merged

DATA = (
    "<number>2000</number><word>x</word><tags>1</tags><tags>2</tags>"
    "<box><inside>deep</inside></box>"
    "<item><name>a</name><slot>1</slot><part><x>1</x><y>2</y><id>9</id></part></item>"
    "<item><name>b</name><slot>2</slot></item><item><name>c</name></item>"
)


def chosen(bench: Any, *filters: str) -> str:
    bench.top(DATA)
    elements = [child for text in filters for child in children_of(bench.config(text))]
    text = bench.xml(selected(bench.schema.root, bench.state, elements) or EMPTY)
    return text.partition(">")[2].partition(">")[2].removesuffix("</config>")


def top(inner: str) -> str:
    return f'<top xmlns="urn:top">{inner}</top>'


@pytest.mark.parametrize(
    ("inner", "wanted"),
    [
        ("<word/>", "<word>x</word>"),
        ("<box/>", "<box><inside>deep</inside></box>"),
        ("<item><name/></item>",
         "".join(f"<item><name>{name}</name></item>" for name in "abc")),
        ("<item><name>b</name></item>", "<item><name>b</name><slot>2</slot></item>"),
        ("<item><name>b</name></item><item><name>c</name></item>",
         "<item><name>b</name><slot>2</slot></item><item><name>c</name></item>"),
        ("<item><slot>1</slot><name/></item>", "<item><name>a</name><slot>1</slot></item>"),
        ("<item><name> a </name><part><id/></part></item>",
         "<item><name>a</name><part><x>1</x><y>2</y><id>9</id></part></item>"),
        ("<item><name>a</name><slot>2</slot></item>", ""),
        ("<number>2000</number><word/>", "<number>2000</number><word>x</word>"),
        ("<number>2001</number><word/>", ""),
        ("<tags>2</tags><word/>", "<word>x</word><tags>1</tags><tags>2</tags>"),
        ("<nothing/>", ""),
    ],
)  # fmt: skip
def test_a_subtree_filter_selects_what_rfc_6241_says(bench: Any, inner: str, wanted: str) -> None:
    text = chosen(bench, top(inner))
    # The multi-key list inside shows its keys, the others are as asked for.
    assert text == (f'<top xmlns="urn:top">{wanted}</top>' if wanted else "")


def test_sibling_filters_add_up(bench: Any) -> None:
    text = chosen(bench, top("<word/>"), top("<number/>"))
    assert "<word>" in text
    assert "<number>" in text


def test_an_empty_filter_selects_nothing(bench: Any) -> None:
    assert chosen(bench) == ""


def test_a_filter_without_namespace_matches_any(bench: Any) -> None:
    assert "<word>x</word>" in chosen(bench, '<top xmlns=""><word/></top>')


def test_with_defaults_modes_differ_by_what_is_default(bench: Any) -> None:
    bench.top("<number>1500</number><item><name>a</name></item>")
    shown = {
        mode: bench.xml(presented(bench.schema.root, bench.state, mode))
        for mode in ("explicit", "trim", "report-all")
    }
    assert "<number>1500</number>" in shown["explicit"]
    assert "<number>" not in shown["trim"]
    assert "<low>5</low>" in shown["report-all"]
    assert "<low>" not in shown["explicit"]


def test_state_joins_the_configuration_of_the_same_entry(bench: Any) -> None:
    bench.top("<word>x</word>")
    state = state_tree(bench.schema, {"top": {"seen": "now"}})
    assert "<word>x</word>" in bench.xml(merged(bench.schema.root, bench.state, state))
    with pytest.raises(ValueError, match="no state"):
        state_tree(bench.schema, {"top": {"other": "x"}})


def test_a_state_request_knows_which_entries_are_asked_for(bench: Any) -> None:
    def request(inner: str) -> StateRequest:
        return StateRequest(children_of(bench.config(top(inner))))

    assert request("<item><name>a</name><slot/></item>").names("top", "item") == {"a"}
    assert request("<item><name/></item>").names("top", "item") is None
    assert request("").names("top", "item") is None
    assert request("<word/>").names("top", "item") == frozenset()
    assert not StateRequest(children_of(bench.config('<other xmlns="u"/>'))).wants("top")
    assert StateRequest(None).names("top", "item") is None


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (("leaf name: string", "leaf name: strange"), "unknown type"),
        (("path: ../part/x", "path: ../part/z"), "has no z"),
        (("path: ../part/x", "path: ../part"), "does not end in a leaf"),
        (("keys: x y", "keys: x z"), "no key leaf z"),
        (("leaf mark: empty", "lead mark: empty"), "unknown kind"),
        (("unique: [slot]", "uniqe: [slot]"), "Extra inputs"),
    ],
)
def test_a_faulty_schema_file_is_refused(
    bench: Any, request: Any, damage: tuple[str, str], reason: str
) -> None:
    text = request.getfixturevalue("small_schema").replace(*damage)
    with pytest.raises(ValueError, match=reason):
        bench.schema_from_text(text)
