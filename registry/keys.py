"""Keys in PEM files: making a pair, and reading either half.

Nothing here ever writes over a file. A file appears whole under its name or not at all, and of two
processes that make a pair at the same moment both go on with the same one.
"""

import contextlib
import os
import re
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization as pem
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from registry import disk
from registry.errors import BadKey
from registry.signing import Signer

SIGNING, PUBLIC = "REGISTRY_SIGNING_KEY", "REGISTRY_PUBLIC_KEY"

_BLOCK = re.compile(rb"-----BEGIN PUBLIC KEY-----.+?-----END PUBLIC KEY-----", re.DOTALL)


def make(private: Path, public: Path) -> None:
    """Make a pair, or only the public half of a private key that is there.

    Raises:
        BadKey: there is a public key already and no private one, or a file cannot be written.
    """
    if public.exists() and not private.exists():
        raise BadKey(
            f"{PUBLIC}={public} exists and {SIGNING}={private} does not: bring the private key "
            "that belongs to it, or name two other files"
        )
    with _explained(SIGNING, private):
        private.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _create(private, _private_pem(Ed25519PrivateKey.generate()), 0o600)
    key = read_private(private)
    with _explained(PUBLIC, public):
        public.parent.mkdir(parents=True, exist_ok=True)
        _create(public, _public_pem(key.public), 0o644)


def read_private(path: Path) -> Signer:
    """The private key in a file.

    Raises:
        BadKey: it cannot be read, others than its owner may, or it holds no such key.
    """
    try:
        key = pem.load_pem_private_key(_read(SIGNING, path, secret=True), password=None)
    except TypeError:
        raise BadKey(
            f"{SIGNING}={path} is protected by a passphrase, which nobody is there to type: store "
            f"it without one (openssl pkey -in {path} -out FILE)"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise BadKey(f"{SIGNING}={path} holds no private key in PEM: {_make_one()}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise BadKey(f"{SIGNING}={path} holds another kind of key than Ed25519: {_make_one()}")
    return Signer(key)


def read_public(path: Path) -> tuple[Ed25519PublicKey, ...]:
    """Every public key in a file, one after another.

    Raises:
        BadKey: it cannot be read, or holds anything that is no such key.
    """
    content = _read(PUBLIC, path)
    if b"PRIVATE KEY" in content:
        raise BadKey(f"{PUBLIC}={path} holds a private key: put the public half there")
    blocks = _BLOCK.findall(content)
    if not blocks or b"-----" in _BLOCK.sub(b"", content):
        raise BadKey(f"{PUBLIC}={path} holds something else than public keys in PEM")
    return tuple(_public(path, block) for block in blocks)


def _public(path: Path, block: bytes) -> Ed25519PublicKey:
    try:
        key = pem.load_pem_public_key(block)
    except (ValueError, UnsupportedAlgorithm):
        raise BadKey(f"{PUBLIC}={path} holds a damaged public key: copy it again") from None
    if not isinstance(key, Ed25519PublicKey):
        raise BadKey(f"{PUBLIC}={path} holds another kind of key than Ed25519: {_make_one()}")
    return key


def _read(variable: str, path: Path, secret: bool = False) -> bytes:
    with _explained(variable, path), path.open("rb") as file:
        if secret and _exposed(os.fstat(file.fileno())):
            raise BadKey(f"{variable}={path} can be read by others than its owner: chmod 600 it")
        return file.read()


def _exposed(found: os.stat_result) -> bool:
    """Whether others than this process's user can get at a file.

    One of another user's is read by way of its group, as Kubernetes mounts a Secret: root owns it,
    and the pod's own group may read it.
    """
    ours = found.st_uid == os.geteuid()
    return bool(stat.S_IMODE(found.st_mode) & (0o077 if ours else 0o027))


def _create(path: Path, content: bytes, mode: int) -> None:
    """Write a new file, unless there is one of that name."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 (a path has no mode to open with)
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        with contextlib.suppress(FileExistsError):
            os.link(part, path)
    finally:
        part.unlink()
    disk.sync(path.parent)


def _private_pem(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, pem.NoEncryption())


def _public_pem(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(pem.Encoding.PEM, pem.PublicFormat.SubjectPublicKeyInfo)


def _make_one() -> str:
    return "`python -m registry keygen` makes a pair"


@contextlib.contextmanager
def _explained(variable: str, path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise BadKey(
            f"{variable}={path} does not exist: bring the key of this registry, or make the first "
            "one with `python -m registry keygen`"
        ) from None
    except OSError as error:
        raise BadKey(f"{variable}={path}: {error.strerror}") from None
