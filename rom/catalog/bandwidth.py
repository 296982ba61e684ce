"""One value object for rates, because every device counts in another unit."""

import re
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

_FORM = re.compile(r"([0-9]{1,15})(?:\.([0-9]{1,9}))?([kMG]?)")
_UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}
_MAXIMUM_BPS = 10**15
_FIX = "write a rate such as 500M, 2.5G, 100000k or a whole number of bit/s"


@dataclass(frozen=True, slots=True, order=True)
class Bandwidth:
    """A rate in bit/s, always whole and greater than zero.

    Raises ``ValueError`` when made of anything else.
    """

    bps: int

    def __post_init__(self) -> None:
        if isinstance(self.bps, bool) or not isinstance(self.bps, int):
            raise ValueError(f"{self.bps!r} is no bandwidth: {_FIX}")
        if not 0 < self.bps <= _MAXIMUM_BPS:
            raise ValueError(f"no device has a bandwidth of that many bit/s: {_FIX}")

    @classmethod
    def parse(cls, value: object) -> "Bandwidth":
        """Read ``500M``, ``1G``, ``2.5G``, ``100000k`` or a whole number of bit/s.

        Decimal units (k = 1000) as on every rate in telecommunications. Raises ``ValueError``
        with what is wrong and what to write instead.
        """
        if isinstance(value, Bandwidth):
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            return cls(value)
        found = _FORM.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            raise ValueError(f"{_shortened(value)} is no bandwidth: {_FIX}")
        number = Decimal(f"{found[1]}.{found[2] or 0}") * _UNITS[found[3]]
        if number != number.to_integral_value():
            raise ValueError(f"{value!r} is no whole number of bit/s: {_FIX}")
        return cls(int(number))

    @property
    def kbps(self) -> int | float:
        """The rate in kbit/s, an ``int`` where it is whole."""
        return _divided(self.bps, 10**3)

    @property
    def mbps(self) -> int | float:
        """The rate in Mbit/s, an ``int`` where it is whole."""
        return _divided(self.bps, 10**6)

    def scaled(self, factor: float) -> "Bandwidth":
        """Return the rate times ``factor``, rounded up to whole kbit/s, the devices' grain."""
        kilobits = Decimal(self.bps) * Decimal(str(factor)) / 1000
        return Bandwidth(int(kilobits.to_integral_value(ROUND_CEILING)) * 1000)

    def __str__(self) -> str:
        for unit in ("G", "M", "k"):
            size = _UNITS[unit]
            if self.bps >= size and self.bps % (size // 1000) == 0:
                return f"{(Decimal(self.bps) / size).normalize():f}{unit}"
        return str(self.bps)


def _divided(bps: int, unit: int) -> int | float:
    whole, rest = divmod(bps, unit)
    return bps / unit if rest else whole


def _shortened(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
