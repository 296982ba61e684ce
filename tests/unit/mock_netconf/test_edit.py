"""What edit-config does to data and what it refuses at once."""

from typing import Any

import pytest

OP = "nc:operation="


def test_merge_is_the_same_twice(bench: Any) -> None:
    edit = "<number>2000</number><item><name>a</name><slot>1</slot></item><tags>7</tags>"
    once = bench.top(edit)
    assert bench.top(edit) == once


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("<number>many</number>", "invalid-value /t:top/t:number"),
        ("<number>63</number>", "invalid-value /t:top/t:number"),
        ("<nothing/>", "unknown-element /t:top"),
        ('<number xmlns="urn:other">70</number>', "unknown-namespace /t:top"),
        ('<number xmlns="urn:kinds">70</number>', "unknown-element /t:top"),
        ("<seen>x</seen>", "unknown-element /t:top"),
        ("<word><b/></word>", "bad-element /t:top/t:word"),
        ("<mark>x</mark>", "invalid-value /t:top/t:mark"),
        ("<kind>q:c</kind>", "invalid-value /t:top/t:kind"),
        ("<kind>a</kind>", "invalid-value /t:top/t:kind"),
        ("<address>10.0.0.1</address>", "invalid-value /t:top/t:address"),
        ("<rate>0.0001</rate>", "invalid-value /t:top/t:rate"),
        ("<item><slot>1</slot></item>", "missing-element /t:top/t:item"),
        ("<item><name>a</name><slot>300</slot></item>",
         "invalid-value /t:top/t:item[t:name='a']/t:slot"),
        ("<word colour='red'>x</word>", "unknown-attribute /t:top"),
        (f"<word {OP}'overwrite'>x</word>", "bad-attribute /t:top"),
        (f"<word {OP}'delete'>x</word>", "data-missing /t:top/t:word"),
        (f"<tags {OP}'delete'>7</tags>", "data-missing /t:top/t:tags[.='7']"),
        (f"<item {OP}'delete'><name>a</name></item>", "data-missing /t:top/t:item[t:name='a']"),
        (f"<box {OP}'delete'/>", "data-missing /t:top/t:box"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_its_place(bench: Any, content: str, expected: str) -> None:
    assert bench.refusal(content) == expected
    assert bench.state.children == {}


@pytest.mark.parametrize("operation", ["remove", "delete", "merge"])
def test_an_empty_value_of_a_typed_leaf_is_refused_whatever_the_operation(
    bench: Any, operation: str
) -> None:
    bench.top("<number>2000</number>")
    assert bench.refusal(f"<number {OP}'{operation}'/>") == "invalid-value /t:top/t:number"


def test_a_leaf_that_may_be_empty_is_removed_without_its_value(bench: Any) -> None:
    bench.top("<word>x</word><mark/>")
    top = bench.top(f"<word {OP}'remove'/><mark {OP}'remove'/>")
    assert top.children == {}


def test_create_refuses_what_exists_and_remove_forgives_what_does_not(bench: Any) -> None:
    bench.top("<item><name>a</name></item>")
    assert bench.refusal(f"<item {OP}'create'><name>a</name></item>").startswith("data-exists")
    bench.top(f"<item {OP}'remove'><name>b</name></item><word {OP}'remove'>x</word>")
    assert list(bench.state.container("top").entries("item")) == [("a",)]


def test_replace_leaves_nothing_of_the_old_entry_but_its_key(bench: Any) -> None:
    bench.top("<item><name>a</name><slot>1</slot><low>2</low></item>")
    top = bench.top(f"<item {OP}'replace'><name>a</name><high>9</high></item>")
    assert dict(top.entry("item", "a").children) == {"name": "a", "high": "9"}


def test_default_operation_replace_replaces_everything(bench: Any) -> None:
    bench.top("<number>2000</number><word>x</word>")
    assert dict(bench.top("<word>y</word>", "replace").children) == {"word": "y"}


def test_a_container_without_presence_goes_with_its_content(bench: Any) -> None:
    bench.top("<box><inside>x</inside></box><flag/>")
    top = bench.top(f"<box><inside {OP}'remove'>x</inside></box>")
    assert set(top.children) == {"flag"}


def test_choosing_one_case_pushes_the_other_out(bench: Any) -> None:
    bench.top("<one>x</one>")
    assert set(bench.top("<two>y</two>").children) == {"two"}


def test_values_take_the_devices_own_form(bench: Any) -> None:
    top = bench.top(
        "<number>+02000</number><kind>q:b</kind><address>2001:DB8:0:0::0001</address>"
        "<rate>0.010</rate><tags>30</tags><tags>4</tags><tags>30</tags>"
        "<ordered>z</ordered><ordered>a</ordered>"
    )
    assert dict(top.children) == {
        "number": "2000",
        "kind": "kinds:b",
        "address": "2001:db8::1",
        "rate": "0.01",
        "tags": ("4", "30"),
        "ordered": ("z", "a"),
    }
    assert ">k:b</kind>" in bench.xml()


def test_a_secret_is_stored_as_its_hash_which_may_be_sent_back(bench: Any) -> None:
    shown = bench.top("<secret>ChangeMe</secret>").leaf("secret")
    assert shown == bench.schema.concealed("ChangeMe")
    assert shown.endswith(" hash2")
    assert "ChangeMe" not in bench.xml()
    assert bench.top(f"<secret>{shown}</secret>").leaf("secret") == shown


def test_entries_are_shown_in_system_order_whenever_they_came(bench: Any) -> None:
    bench.top("".join(f"<item><name>p{number}</name></item>" for number in (10, 9, 1)))
    text = bench.xml()
    assert text.index(">p1<") < text.index(">p9<") < text.index(">p10<")
