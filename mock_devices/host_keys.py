"""Host keys of simulated devices: made once, kept, and used as modern SSH servers use them."""

import os
from pathlib import Path

import asyncssh

_SHA2 = (b"rsa-sha2-512", b"rsa-sha2-256")
"""An RSA key signs with SHA-2 only (RFC 8332); servers have stopped offering SHA-1."""


def host_key(path: Path, kind: str = "ssh-ed25519") -> asyncssh.SSHKey:
    """Return the key kept at ``path``, made on the first call; readable by us only."""
    if not path.exists():
        _write(path, asyncssh.generate_private_key(kind).export_private_key())
    key = asyncssh.read_private_key(str(path))
    if key.get_algorithm() == "ssh-rsa":
        key.sig_algorithms = _SHA2
    return key


def public_line(key: asyncssh.SSHKey) -> str:
    """Return the public key as an OpenSSH line without a comment."""
    return " ".join(key.export_public_key().decode().split()[:2])


def _write(path: Path, content: bytes) -> None:
    fresh = path.with_name(f"{path.name}.new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
