"""What lies at or below an entry."""

from rom.ledger.keeping import at_or_below


def test_a_path_lies_at_or_below_its_roots_wherever_these_begin() -> None:
    path = ("top", "list[name='a']", "leaf")
    assert at_or_below(path, {("top",)})
    assert at_or_below(path, {("top", "list[name='a']")})
    assert at_or_below(path, {path})


def test_a_neighbour_and_what_lies_below_the_path_are_no_roots_of_it() -> None:
    path = ("top", "list[name='a']")
    assert not at_or_below(path, {("top", "list[name='b']"), (*path, "leaf")})
    assert not at_or_below(path, set())
