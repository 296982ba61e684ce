"""What lies at or below an entry, and by what others refer to it."""

from rom.ledger.keeping import at_or_below, key_words


def test_a_path_lies_at_or_below_its_roots_wherever_these_begin() -> None:
    path = ("top", "list[name='a']", "leaf")
    assert at_or_below(path, {("top",)})
    assert at_or_below(path, {("top", "list[name='a']")})
    assert at_or_below(path, {path})


def test_a_neighbour_and_what_lies_below_the_path_are_no_roots_of_it() -> None:
    path = ("top", "list[name='a']")
    assert not at_or_below(path, {("top", "list[name='b']"), (*path, "leaf")})
    assert not at_or_below(path, set())


def test_others_refer_to_an_entry_by_its_own_keys_however_deep_it_lies() -> None:
    entry = ("top", "list[name='outer']", "inner[name='a'][unit='7']")
    assert key_words(entry) == {"a", "7"}
