"""The base of every state, step, kind and moment: words that cannot be misspelt unseen."""

from enum import StrEnum
from typing import TYPE_CHECKING, Self, overload

if TYPE_CHECKING:
    from typing_extensions import deprecated


class Word(StrEnum):
    """One of a closed list of words; a plain string in the database and in JSON.

    A member equals the string of its value, as that of any ``StrEnum`` does. The type checker
    refuses such a comparison all the same: ``item.step == "qeued"`` would be false for ever, and
    nobody would see it.
    """

    if TYPE_CHECKING:

        @overload
        def __eq__(self, other: Self | None) -> bool: ...
        @overload
        @deprecated("compare with a member of the same enum")
        def __eq__(self, other: object) -> bool: ...
        def __eq__(self, other: object) -> bool: ...
        @overload
        def __ne__(self, other: Self | None) -> bool: ...
        @overload
        @deprecated("compare with a member of the same enum")
        def __ne__(self, other: object) -> bool: ...
        def __ne__(self, other: object) -> bool: ...

        __hash__ = StrEnum.__hash__
