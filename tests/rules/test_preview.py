"""What a preview says before anything is sent, and what its hash stands for."""

from datetime import datetime
from typing import Any
from unittest.mock import patch

import pytest

from rom.answers.sites import ConflictLine, LaterWriter
from rom.model.change import Policy
from rom.model.effect import Writer
from rom.model.errors import PreviewDiffers, RollbackConflicts
from rom.store import effects
from rom.undo.preview import hash_of, shown
from rom.undo.tasks import Wanted, refuse_unforeseen
from tests.rules.plant import BNG, CE, OLT, OTHER, SERVICE, SITE, Plant, add, modify
from tests.rules.sites import entry

ENTRY = "/sites/site[name='S1']"


def seen(plant: Plant, **asked: Any) -> dict[str, Any]:
    return plant.preview.of_site(SITE, **asked).on_the_wire()


def on(preview: dict[str, Any], device: str) -> dict[str, Any]:
    (found,) = [each for each in preview["devices"] if each["device"] == device]
    return found


def test_it_says_what_each_device_would_be_sent_and_sends_nothing(plant: Plant) -> None:
    plant.serve()
    plant.order("B", modify("speed", rate=300))
    before, written = plant.running(), list(plant.written)
    preview = seen(plant, before="B")
    assert (preview["site"], preview["orders"]) == (SITE, ["B"])
    assert preview["target"] > 0
    assert preview["releases"] == []
    places = [(row["device"], row["role"], row["order"]) for row in preview["devices"]]
    assert places == [(BNG, "bng", 1), (OLT, "access", 2)]
    row = on(preview, OLT)
    assert "100" in row.pop("sends")
    assert row == {
        "device": OLT, "role": "access", "order": 2, "edits": 1,
        "already": [], "kept": [], "conflicts": [], "later": [],
    }  # fmt: skip
    assert on(preview, BNG)["edits"] == 5
    assert (plant.running(), plant.written) == (before, written)
    assert plant.rows("SELECT 1 FROM rollback_task") == []


def test_of_a_whole_site_it_names_what_would_be_released(plant: Plant) -> None:
    plant.serve()
    preview = seen(plant)
    assert (preview["target"], preview["orders"]) == (0, ["A"])
    assert sorted(preview["releases"], key=lambda each: each["name"]) == [
        {"name": "bearer", "pool": "Lines", "value": "L1"},
        {"name": "rate", "pool": "Rates", "value": "100"},
        {"name": "tag", "pool": "Tags", "value": "T1"},
    ]


def test_what_is_so_already_needs_no_edit(plant: Plant) -> None:
    plant.serve()
    held = plant.devices[OLT].running
    held.pop((*entry(SITE), "rate"))
    row = on(seen(plant), OLT)
    assert f"{ENTRY}/rate" in row["already"]
    assert row["conflicts"] == []
    held.clear()
    row = on(seen(plant), OLT)
    assert (row["edits"], row["sends"], len(row["already"])) == (0, "", 3)


@pytest.mark.parametrize(
    ("policy", "blocks", "stays"),
    [(Policy.REFUSE, True, False), (Policy.KEEP, False, True), (Policy.FORCE, False, False)],
)
def test_a_conflict_is_told_with_both_values_and_blocks_by_policy(
    plant: Plant, policy: Policy, blocks: Any, stays: Any
) -> None:
    plant.serve()
    plant.by_hand(OLT, "rate", "by hand")
    preview = seen(plant, policy=policy)
    row = on(preview, OLT)
    assert row["conflicts"] == [
        {
            "kind": "drift", "path": f"{ENTRY}/rate", "expected": "100", "found": "by hand",
            "blocks": blocks,
        }
    ]  # fmt: skip
    assert (f"{ENTRY}/rate" in row["kept"]) is stays
    assert (row["edits"] == 0) is (policy is Policy.KEEP)
    assert on(preview, BNG)["conflicts"] == []


def test_refuse_is_the_policy_unless_another_is_asked_for(plant: Plant) -> None:
    plant.serve()
    plant.by_hand(OLT, "rate", "by hand")
    assert on(seen(plant), OLT)["conflicts"][0]["blocks"] is True


def test_who_uses_what_would_go_is_foreseen(plant: Plant) -> None:
    plant.serve()
    template = ("templates", "template[name='R100']")
    foreign = ("sites", "site[name='foreign']", "policy")
    plant.devices[BNG].refers[template] = {foreign: "R100"}
    row = on(seen(plant), BNG)
    assert [each["kind"] for each in row["conflicts"]] == ["orphan-shared"]
    assert "/sites/site[name='foreign']" in str(row["conflicts"])


def test_a_later_writer_is_named_with_its_order(plant: Plant) -> None:
    """Both sites have written one path; the later of them keeps it."""
    plant.serve()
    plant.order("N", *SERVICE, site=OTHER)
    shared = (*entry(SITE), "tag")
    with plant.engine.begin() as connection:
        fragments = plant.intent(OLT, OTHER)
        line = fragments["line"]
        fragments["line"] = type(line)({**line.own, shared: "T7"})
        plant.ask(connection, OLT, fragments, site=OTHER)
    plant.write(OLT)
    assert plant.on(OLT)["tag"] == "T7"
    plant.rows("UPDATE txn_site SET order_id = 'N' WHERE site = :s", s=OTHER)
    (later,) = on(seen(plant), OLT)["later"]
    assert datetime.fromisoformat(later.pop("time")).tzinfo is not None
    assert later == {"path": f"{ENTRY}/tag", "site": OTHER, "order": "N"}
    # Nobody's order, or one that has gone between two looks.
    for known in ({shared: Writer(OTHER, None, None)}, {}):
        with patch.object(effects, "writers_after", return_value=known):
            (later,) = on(seen(plant), OLT)["later"]
            said = {name: value for name, value in later.items() if value is not None}
            assert said == {"path": f"{ENTRY}/tag", "site": OTHER}


def test_a_device_that_does_not_answer_has_its_error_and_no_edits(plant: Plant) -> None:
    plant.serve()
    plant.unreachable.add(OLT)
    row = on(seen(plant), OLT)
    assert row == {
        "device": OLT, "role": "access", "order": 2, "edits": 0, "sends": "", "already": [],
        "kept": [], "conflicts": [], "later": [], "error": "OLT-1: no route",
    }  # fmt: skip
    assert on(seen(plant), BNG)["edits"] == 5


def test_a_device_that_answers_only_half_has_its_error_too(plant: Plant) -> None:
    plant.serve()
    plant.mute.add(OLT)
    assert on(seen(plant), OLT)["error"] == "OLT-1: no answer"
    assert on(seen(plant), OLT)["edits"] == 0


def test_a_device_that_inventory_does_not_know_any_more_says_so(plant: Plant) -> None:
    plant.serve()
    plant.rows("DELETE FROM device WHERE name = :d", d=OLT)
    assert on(seen(plant), OLT)["error"] != ""
    assert on(seen(plant), BNG)["edits"] == 5


def test_of_a_router_that_keeps_what_it_has_the_reason_is_noted(plant: Plant) -> None:
    plant.serve()
    plant.order("R", add("router"))
    row = on(seen(plant), CE)
    assert row["note"] == "it keeps what it has until it is wiped"
    assert (row["edits"], row["order"]) == (0, 1)
    assert all("S1" not in str(scope) for scope in plant.devices[CE].reads[2:])
    assert "note" not in on(seen(plant), BNG)
    assert "note" not in on(seen(plant, to=plant.number()), CE), "it would hold something"


# Its hash


def test_the_hash_stands_for_what_would_happen_not_for_how_it_is_told(plant: Plant) -> None:
    plant.serve()
    preview = plant.preview.of_site(SITE)
    first, second = preview.devices

    def with_first(**values: Any) -> str:
        changed = first.model_copy(update=values)
        return hash_of(preview.model_copy(update={"devices": (changed, second)}))

    told = preview.hash
    assert told == hash_of(preview) == with_first() == with_first(order=9, edits=9, note="x")
    conflict = ConflictLine(kind="drift", path="p", expected="1", found="2", blocks=True)
    for name, value in (
        ("sends", "x"), ("already", ("x",)), ("kept", ("x",)), ("conflicts", (conflict,)),
        ("device", "x"),
    ):  # fmt: skip
        assert with_first(**{name: value}) != told
    later = with_first(later=(LaterWriter(path="p", site="S"),))
    assert later != told
    assert later == with_first(later=(LaterWriter(path="p", site="S", order="O", time="now"),))
    assert later != with_first(later=(LaterWriter(path="q", site="S"),))
    lost = with_first(error="one")
    assert lost != told
    assert lost == with_first(error="two")
    for name, value in (("target", 7), ("releases", ()), ("orders", ("B",)), ("site", OTHER)):
        assert hash_of(preview.model_copy(update={name: value})) != told
    assert len(told) == 64


def test_a_secret_is_shown_only_as_one() -> None:
    assert shown("secret:bgp/A") == "<secret>"
    assert shown("digest:abc") == "<secret>"
    assert shown("plain secret:") == "plain secret:"
    assert shown(None) is None


# What a request meets that was made with a preview before it


def test_a_preview_that_was_not_seen_is_refused_and_shown(plant: Plant) -> None:
    plant.serve()
    preview = plant.preview.of_site(SITE)
    refuse_unforeseen(Wanted(SITE), preview)
    refuse_unforeseen(Wanted(SITE, preview_hash=preview.hash), preview)
    with pytest.raises(PreviewDiffers):
        refuse_unforeseen(Wanted(SITE, preview_hash="another"), preview)


def test_what_blocks_is_refused_with_its_device(plant: Plant) -> None:
    plant.serve()
    plant.by_hand(OLT, "rate", "by hand")
    with pytest.raises(RollbackConflicts) as caught:
        refuse_unforeseen(Wanted(SITE), plant.preview.of_site(SITE))
    assert "OLT-1" in str(vars(caught.value))
    refuse_unforeseen(Wanted(SITE), plant.preview.of_site(SITE, policy=Policy.KEEP))
