"""Lives: which state may follow which, one table for each kind of thing."""

from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Generic, TypeVar

from device_profiles.words import Word
from rom.model.errors import IllegalTransition

State = TypeVar("State", bound=Word)


@dataclass(frozen=True)
class Life(Generic[State]):
    """The states of one kind of thing and the arrows between them."""

    of: str
    """The kind of thing, as an error names it."""
    arrows: Mapping[State, frozenset[State]]
    detours: frozenset[State] = field(default_factory=frozenset)
    """States that are passed only on the way to ``detours_to``, never on the way elsewhere."""
    detours_to: frozenset[State] = field(default_factory=frozenset)

    @cached_property
    def final(self) -> frozenset[State]:
        """The states that nothing follows."""
        return frozenset(state for state, after in self.arrows.items() if not after)

    @cached_property
    def open(self) -> frozenset[State]:
        """The states that something follows."""
        return frozenset(self.arrows) - self.final

    def before(self, new: State) -> frozenset[State]:
        """Return the states from which ``new`` can follow directly."""
        return frozenset(state for state, after in self.arrows.items() if new in after)

    def check(self, old: State, new: State) -> None:
        """Raise ``IllegalTransition`` unless the table draws an arrow from ``old`` to ``new``.

        Staying in a state is no transition, so ``old`` equal to ``new`` is refused too.
        """
        if new not in self.arrows[old]:
            raise IllegalTransition(self.of, old.value, new.value)

    def path(self, old: State, new: State) -> tuple[State, ...]:
        """Return the fewest legal steps from ``old`` to ``new``, without ``old``; none if equal.

        Raises ``IllegalTransition``.
        """
        if old == new:
            return ()
        aside = new in self.detours or new in self.detours_to
        came_from: dict[State, State] = {}
        waiting = deque([old])
        while waiting and new not in came_from:
            here = waiting.popleft()
            for state in sorted(self.arrows[here] - came_from.keys() - {old}):
                if state == new or (state in self.detours) == aside:
                    came_from[state] = here
                    waiting.append(state)
        if new not in came_from:
            raise IllegalTransition(self.of, old.value, new.value)
        path = deque([new])
        while (earlier := came_from[path[0]]) != old:
            path.appendleft(earlier)
        return tuple(path)


def table(arrows: Mapping[State, Collection[State]]) -> dict[State, frozenset[State]]:
    """Return arrows as a life keeps them."""
    return {old: frozenset(new) for old, new in arrows.items()}
