"""What every SSH conversation needs first: a socket without delay and the pinned host key."""

import base64
import binascii
import socket
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from io import StringIO
from pathlib import Path

import paramiko  # type: ignore[import-untyped]  # the library has no types
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from adapters.errors import HostKeyMismatch, HostKeyUnknown, SecretUnavailable, Unreachable
from adapters.faults.ssh import paramiko_errors
from adapters.seam import Endpoint

PRIVATE_KEY = "-----BEGIN "


@dataclass(frozen=True, slots=True)
class HostKey:
    """An SSH public key as in an OpenSSH line: its type and the base64 of its blob."""

    kind: str
    blob: str

    @property
    def line(self) -> str:
        """The key as inventory keeps it."""
        return f"{self.kind} {self.blob}"

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the key as OpenSSH shows it."""
        digest = sha256(base64.b64decode(self.blob)).digest()
        return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"

    @property
    def negotiated(self) -> tuple[str, ...]:
        """The host key algorithms that use this key (RFC 8332: RSA keys sign with SHA-2)."""
        return ("rsa-sha2-512", "rsa-sha2-256") if self.kind == "ssh-rsa" else (self.kind,)


def read_key(line: str, device: str) -> HostKey:
    """Return the key of an OpenSSH line; raises HostKeyUnknown for what is none."""
    parts = line.split()
    if len(parts) < 2:
        raise HostKeyUnknown("unreadable host key in inventory", device=device)
    try:
        base64.b64decode(parts[1], validate=True)
    except binascii.Error as error:
        raise HostKeyUnknown("unreadable host key in inventory", device=device) from error
    return HostKey(parts[0], parts[1])


def pinned_key(endpoint: Endpoint) -> HostKey:
    """Return the key the device must show.

    Raises HostKeyUnknown when inventory has none, or none that can be read: without a pin no
    credentials leave.
    """
    if endpoint.host_key is None:
        raise HostKeyUnknown("no host key in inventory", device=endpoint.device)
    return read_key(endpoint.host_key, endpoint.device)


def login_key(endpoint: Endpoint) -> paramiko.PKey | None:
    """Return the private key by which to log in, ``None`` where the secret is a password.

    Raises SecretUnavailable for a key that cannot be read, such as one with a passphrase.
    """
    text = endpoint.password.get_secret_value()
    if not is_private_key(text):
        return None
    try:
        return _paramiko_key(_loaded(text.encode()))
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        message = "the private key cannot be read; it must be a key without a passphrase"
        raise SecretUnavailable(message, device=endpoint.device) from error


def _loaded(text: bytes) -> PrivateKeyTypes:
    if b"OPENSSH PRIVATE KEY" in text.partition(b"\n")[0]:
        return serialization.load_ssh_private_key(text, None)
    return serialization.load_pem_private_key(text, None)


def _paramiko_key(key: PrivateKeyTypes) -> paramiko.PKey:
    """Return a key as paramiko reads it: it takes not every key that OpenSSH or others write."""
    form = serialization.PrivateFormat.TraditionalOpenSSL
    match key:
        case Ed25519PrivateKey():
            kind, form = paramiko.Ed25519Key, serialization.PrivateFormat.OpenSSH
        case EllipticCurvePrivateKey():
            kind = paramiko.ECDSAKey
        case RSAPrivateKey():
            kind = paramiko.RSAKey
        case _:
            raise ValueError("a key of a type that SSH does not use")
    plain = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    return kind.from_private_key(StringIO(plain.decode()))


def is_private_key(secret: str) -> bool:
    """Tell whether a secret is a private key (RFC 7468) and not a password."""
    return secret.startswith(PRIVATE_KEY)


def connected_socket(endpoint: Endpoint, timeout: float) -> socket.socket:
    """Return a TCP connection to the device with TCP_NODELAY.

    ``timeout`` is in seconds. Raises Unreachable.
    """
    try:
        connection = socket.create_connection((endpoint.host, endpoint.port), timeout)
    except OSError as error:
        raise Unreachable(
            f"no connection to {endpoint.host} port {endpoint.port}: {error.strerror or error}",
            device=endpoint.device,
        ) from error
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def shown_key(endpoint: Endpoint, timeout: float) -> HostKey:
    """Return the host key the device shows; nothing but the key exchange happens.

    It is asked for the pinned key's type first, so that a device with several keys shows the one
    that can match; without a pinned key for whatever the two of them like best. ``timeout`` is in
    seconds. Raises Unreachable, SessionLost and DeviceTimeout.
    """
    negotiated = () if endpoint.host_key is None else pinned_key(endpoint).negotiated
    with paramiko_errors(endpoint.device), closing(connected_socket(endpoint, timeout)) as tcp:
        transport = paramiko.Transport(tcp)
        try:
            options = transport.get_security_options()
            known = tuple(options.key_types)
            first = tuple(name for name in negotiated if name in known)
            options.key_types = first + tuple(name for name in known if name not in first)
            transport.start_client(timeout=timeout)
            key = transport.get_remote_server_key()
        finally:
            transport.close()
    return HostKey(key.get_name(), key.get_base64())


def check_host_key(endpoint: Endpoint, timeout: float) -> None:
    """Raise HostKeyMismatch unless the device shows the pinned key; no credentials leave."""
    if shown_key(endpoint, timeout) != pinned_key(endpoint):
        raise HostKeyMismatch("the device shows another host key", device=endpoint.device)


@contextmanager
def known_hosts(endpoint: Endpoint, *names: str) -> Iterator[Path]:
    """Yield a known_hosts file with only the pinned key, under each of ``names``.

    For libraries that take nothing but a file; it is gone afterwards.
    """
    key = pinned_key(endpoint)
    with tempfile.TemporaryDirectory(prefix="rom-ssh-") as folder:
        path = Path(folder, "known_hosts")
        path.write_text("".join(f"{name} {key.kind} {key.blob}\n" for name in names))
        yield path
