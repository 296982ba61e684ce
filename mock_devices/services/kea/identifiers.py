"""Host identifiers as Kea writes them: ``'text'`` in quotes, or hex with or without colons."""

import re

from mock_devices.services.kea.errors import KeaError

_HEX = re.compile(r"(?:0[xX])?([0-9A-Fa-f]{2}(?:[: ]?[0-9A-Fa-f]{2})*)")
IDENTIFIERS4 = ("hw-address", "duid", "circuit-id", "client-id", "flex-id")
IDENTIFIERS6 = ("hw-address", "duid", "flex-id")


def identifier_bytes(kind: str, text: str) -> bytes:
    """Return the identifier's octets; raises ``KeaError`` where Kea cannot read the text.

    Only ``circuit-id``, ``client-id`` and ``flex-id`` may be quoted text (Kea 2.2, section 8.3).
    """
    if len(text) > 1 and text[0] == text[-1] == "'":
        if kind in ("hw-address", "duid"):
            raise KeaError(f"invalid host identifier value '{text}' for {kind}")
        if len(text) == 2:
            raise KeaError("invalid host identifier value ''")
        return text[1:-1].encode()
    match = _HEX.fullmatch(text)
    if match is None:
        raise KeaError(f"invalid host identifier value '{text}'")
    return bytes.fromhex(re.sub(r"[: ]", "", match[1]))
