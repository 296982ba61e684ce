"""A site's history: what belongs together, and between what it may go back."""

from datetime import UTC, datetime, timedelta

from rom.model.order import Action, Item
from rom.model.order_states import ItemState, Step
from rom.model.snapshot import Moment, SnapshotEntry
from rom.undo.history import History, Place, TakenBack, history

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def at(minute: float) -> datetime:
    return NOON + timedelta(minutes=minute)


class Story:
    """Writes snapshots and items down as they come about; a minute passes with each."""

    def __init__(self) -> None:
        self.minute = 0
        self.entries: list[SnapshotEntry] = []
        self.items: list[Item] = []
        self.ways: list[TakenBack] = []

    def change(self, order: str | None, device: str = "OLT") -> int:
        """One device transaction; returns the number of the snapshot after it."""
        for moment in (Moment.BEFORE, Moment.AFTER):
            self.minute += 1
            number = 10 * (len(self.entries) + 1)
            self.entries.append(
                SnapshotEntry(number, device, "access", moment, at(self.minute), order, "t", "h")
            )
        return self.entries[-1].number

    def done(
        self, order: str, action: Action = Action.MODIFY, state: ItemState = ItemState.COMPLETED
    ) -> None:
        self.minute += 1
        self.items.append(
            Item(
                order, "I", 0, action, "RFS:X", "1.0", "x", "S", {}, (), state, Step.DONE,
                at(self.minute),
            )
        )  # fmt: skip

    def order(self, name: str, devices: int = 2, action: Action = Action.MODIFY) -> list[int]:
        numbers = [self.change(name, str(device)) for device in range(devices)]
        self.done(name, action)
        return numbers

    def way_back(self, name: str, *orders: str, devices: int = 0) -> list[int]:
        self.minute += 1
        began = at(self.minute)
        numbers = [self.change(None, str(device)) for device in range(devices)]
        self.minute += 1
        self.ways.append(TakenBack(name, frozenset(orders), began, at(self.minute)))
        return numbers

    @property
    def now(self) -> Place:
        return self.told.behind(self.entries[-1].number)

    @property
    def told(self) -> History:
        return history(self.entries, self.items, self.ways)


def test_a_number_within_an_order_is_no_boundary_and_its_ends_are() -> None:
    story = Story()
    first, last = story.order("A")  # before, after, before, after: 10, 20, 30, 40
    known = story.told
    assert [known.is_boundary(n) for n in (0, 10, first, 30, last)] == [
        True, True, False, False, True
    ]  # fmt: skip
    assert known.nearest(first) == (10, last)
    assert known.nearest(30) == (10, last)
    inside = known.inside(known.behind(first))
    assert inside is not None
    assert inside.id == "A"


def test_an_order_that_sends_nothing_has_its_place_between_the_others() -> None:
    story = Story()
    story.order("A")
    story.order("silent", devices=0)
    story.order("also silent", devices=0)
    story.order("B")
    known = story.told
    assert [each.id for each in known.episodes] == ["A", "silent", "also silent", "B"]
    places = {each.id: each.begins for each in known.episodes}
    assert known.standing_from(places["also silent"]) == ("also silent", "B")
    assert known.standing_from(places["silent"]) == ("silent", "also silent", "B")
    assert known.standing_from(known.behind(40)) == ("silent", "also silent", "B")
    assert known.standing_from(known.behind(50)) == ("B",)  # taken before B, when both were there
    assert known.standing_from((0, 0)) == ("A", "silent", "also silent", "B")


def test_an_order_that_came_to_nothing_is_no_part_of_it() -> None:
    story = Story()
    story.done("refused", state=ItemState.FAILED)
    assert story.told.episodes == ()
    assert story.told.order("refused") is None


def test_what_was_taken_back_does_not_stand_and_its_way_back_is_no_boundary() -> None:
    story = Story()
    story.order("A")
    story.order("B")
    first, last = story.way_back("RB-1", "B", devices=2)
    story.order("C")
    known = story.told
    assert known.standing_from((0, 0)) == ("A", "C")
    assert [known.is_boundary(n) for n in (first, last)] == [False, True]
    inside = known.inside(known.behind(first))
    assert inside is not None
    assert (inside.id, inside.is_order) == ("RB-1", False)


def test_a_target_is_gone_once_what_it_shows_was_taken_back_since() -> None:
    story = Story()
    story.order("A")
    story.order("B")
    shows_both = story.now
    story.way_back("RB-1", "B", devices=1)
    after = story.now
    known = story.told
    assert known.gone_since(shows_both) == ("B", "RB-1")
    assert known.gone_since(after) is None
    b = known.order("B")
    assert b is not None
    assert known.gone_since(b.begins) is None  # before B only A shows, which stands


def test_a_target_is_gone_that_shows_a_silent_order_taken_back_since() -> None:
    story = Story()
    story.order("A")
    story.order("silent", devices=0)
    story.order("B")
    place = story.now
    story.way_back("RB-1", "silent", "B", devices=1)
    assert story.told.gone_since(place) in (("B", "RB-1"), ("silent", "RB-1"))
    story.ways[:] = [TakenBack("RB-1", frozenset({"silent"}), at(90), at(91))]
    assert story.told.gone_since(place) == ("silent", "RB-1")


def test_a_delete_gives_resources_back_that_a_target_before_it_needs() -> None:
    story = Story()
    story.order("A")
    before = story.now
    story.order("D", action=Action.DELETE)
    assert story.told.deleted_since(before) == "D"
    assert story.told.deleted_since(story.now) is None


def test_orders_that_overlap_leave_no_boundary_between_them() -> None:
    story = Story()
    story.change("A", "1")
    story.change("B", "1")
    story.change("A", "2")
    story.change("B", "2")
    story.done("A")
    story.done("B")
    known = story.told
    b = known.order("B")
    assert b is not None
    straddling = known.inside(b.begins)
    assert straddling is not None
    assert straddling.id == "A"
    assert [n for n in known.numbers if known.is_boundary(n)] == [10, 80]
