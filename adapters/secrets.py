"""Secrets at the moment of sending: names become values here and nowhere else."""

import re
from collections.abc import Iterable
from dataclasses import replace

from adapters.errors import SecretUnavailable
from adapters.seam import SecretResolver
from device_profiles.profile import Profile
from device_profiles.tree import SECRET_PREFIX, Edit

MASK = "••••"
_REFERENCE = re.compile(re.escape(SECRET_PREFIX) + r"[A-Za-z0-9][A-Za-z0-9/_.-]*")


class Secrets:
    """Resolves ``secret:<name>`` and masks what it has resolved.

    Values it gave out are remembered for as long as the session lives, so that a device that
    quotes our line back does not put a secret into an error text.
    """

    def __init__(self, resolver: SecretResolver, device: str) -> None:
        self._resolver = resolver
        self._device = device
        self._revealed: set[str] = set()

    def __repr__(self) -> str:
        return f"Secrets({self._device})"

    def reveal(self, text: str) -> str:
        """Return ``text`` with every secret reference replaced by its value.

        Raises SecretUnavailable when the resolver does not know a name.
        """
        return _REFERENCE.sub(lambda match: self._value(match.group()), text)

    def revealed(self, profile: Profile, edits: Iterable[Edit]) -> tuple[Edit, ...]:
        """Return ``edits`` with the wanted values of secret paths replaced.

        Only where the profile knows the path as secret: a description that happens to read like
        a reference stays text, so nobody can have a secret written where it can be seen.
        """
        return tuple(
            replace(edit, after=self.reveal(edit.after))
            if edit.after and profile.is_secret(edit.path)
            else edit
            for edit in edits
        )

    def masked(self, text: str) -> str:
        """Return ``text`` without any value given out so far."""
        for value in sorted(self._revealed, key=len, reverse=True):
            text = text.replace(value, MASK)
        return text

    def _value(self, reference: str) -> str:
        name = reference.removeprefix(SECRET_PREFIX)
        try:
            value = self._resolver(name).get_secret_value()
        except LookupError as error:
            raise SecretUnavailable(f"no secret named {name}", device=self._device) from error
        self._revealed.add(value)
        return value
