"""Keys in files: made once, never written over, read with care."""

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization as pem
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from registry import keys
from registry.errors import BadKey
from registry.local import LocalBackend
from registry.open import open_registry, registry_name
from registry.settings import RegistrySettings
from registry.store import Registry
from tests.registry.keyrings import trust
from tests.registry.samples import Sample, promoted

ROOT = Path(__file__).parents[2]
NOBODY = 65534  # a user and a group without rights
PKCS8 = pem.Encoding.PEM, pem.PrivateFormat.PKCS8
SPKI = pem.Encoding.PEM, pem.PublicFormat.SubjectPublicKeyInfo


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a program runs that finds its keys in the default place."""
    monkeypatch.chdir(tmp_path)
    return tmp_path / "var" / "keys"


@pytest.fixture
def private(folder: Path) -> Path:
    return folder / "signing.pem"


@pytest.fixture
def public(folder: Path) -> Path:
    return folder / "public.pem"


@pytest.fixture
def pair(private: Path, public: Path) -> tuple[Path, Path]:
    keys.make(private, public)
    return private, public


def write(path: Path, content: bytes, mode: int = 0o600) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)


def test_a_pair_signs_and_verifies_and_the_private_key_is_its_owners(
    pair: tuple[Path, Path],
) -> None:
    private, public = pair
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert stat.S_IMODE(private.parent.stat().st_mode) == 0o700
    assert keys.read_public(public) == (keys.read_private(private).public,)
    assert sorted(path.name for path in private.parent.iterdir()) == ["public.pem", "signing.pem"]


def test_nothing_is_written_over(pair: tuple[Path, Path]) -> None:
    private, public = pair
    before = private.read_bytes(), public.read_bytes()
    keys.make(private, public)
    assert (private.read_bytes(), public.read_bytes()) == before
    public.unlink()
    keys.make(private, public)
    assert (private.read_bytes(), public.read_bytes()) == before
    private.unlink()
    with pytest.raises(BadKey, match="bring the private key"):
        keys.make(private, public)
    assert not private.exists()


def test_of_many_that_make_a_pair_all_go_on_with_the_same(private: Path, public: Path) -> None:
    settings = RegistrySettings()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: open_registry(settings, signing=True), range(32)))
    assert keys.read_public(public) == (keys.read_private(private).public,)
    assert len(list(private.parent.iterdir())) == 2


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_private_key_that_others_can_read_is_refused(pair: tuple[Path, Path], mode: int) -> None:
    private, _ = pair
    private.chmod(mode)
    with pytest.raises(BadKey, match="chmod 600"):
        keys.read_private(private)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
@pytest.mark.parametrize(("mode", "refused"), [(0o440, False), (0o460, True), (0o444, True)])
def test_a_key_that_is_mounted_for_the_group_is_read_by_it(
    pair: tuple[Path, Path], mode: int, refused: bool
) -> None:
    """Kubernetes mounts a Secret as root's, readable to the group of a pod that is not root."""
    with tempfile.TemporaryDirectory() as folder:
        mounted = Path(folder) / "signing.pem"
        shutil.copy(pair[0], mounted)
        Path(folder).chmod(0o755)
        os.chown(mounted, 0, NOBODY)
        mounted.chmod(mode)
        os.setegid(NOBODY)
        os.seteuid(NOBODY)
        try:
            with pytest.raises(BadKey, match="chmod 600") if refused else nullcontext():
                keys.read_private(mounted)
        finally:
            os.seteuid(0)
            os.setegid(0)


def private_pem(key: "Ed25519PrivateKey | ec.EllipticCurvePrivateKey", passphrase: bytes) -> bytes:
    locked = pem.BestAvailableEncryption(passphrase) if passphrase else pem.NoEncryption()
    return key.private_bytes(*PKCS8, locked)


ED25519 = Ed25519PrivateKey.from_private_bytes(bytes(32))
P256 = ec.derive_private_key(7, ec.SECP256R1())


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "no private key"),
        (bytes(range(100)), "no private key"),
        (private_pem(ED25519, b"")[:-40], "no private key"),
        (ED25519.public_key().public_bytes(*SPKI), "no private key"),
        (private_pem(ED25519, b"secret"), "passphrase"),
        (private_pem(P256, b""), "another kind of key than Ed25519"),
    ],
)
def test_what_is_no_private_key_is_named(private: Path, content: bytes, sentence: str) -> None:
    write(private, content)
    with pytest.raises(BadKey, match=sentence) as caught:
        keys.read_private(private)
    assert f"REGISTRY_SIGNING_KEY={private}" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "something else than public keys"),
        (b"\0\xff" * 50, "something else than public keys"),
        (private_pem(ED25519, b""), "holds a private key"),
        (P256.public_key().public_bytes(*SPKI), "another kind of key"),
        (ED25519.public_key().public_bytes(*SPKI).replace(b"M", b"N"), "damaged"),
        (ED25519.public_key().public_bytes(*SPKI) + b"-----BEGIN", "something else"),
    ],
)
def test_what_is_no_public_key_is_named(public: Path, content: bytes, sentence: str) -> None:
    write(public, content)
    with pytest.raises(BadKey, match=sentence) as caught:
        keys.read_public(public)
    assert f"REGISTRY_PUBLIC_KEY={public}" in str(caught.value)


def test_a_folder_in_place_of_a_key_is_named(public: Path) -> None:
    public.mkdir(parents=True)
    with pytest.raises(BadKey, match=r"REGISTRY_PUBLIC_KEY=.*[Dd]irectory"):
        keys.read_public(public)


def test_a_file_holds_several_public_keys(pair: tuple[Path, Path]) -> None:
    private, public = pair
    older = ED25519.public_key()
    public.write_bytes(b"the old one\n" + older.public_bytes(*SPKI) + public.read_bytes())
    assert keys.read_public(public) == (older, keys.read_private(private).public)


@pytest.mark.parametrize("variable", ["signing_key", "public_key"])
def test_a_key_that_is_configured_and_missing_is_named(folder: Path, variable: str) -> None:
    settings = RegistrySettings(**{variable: folder / "nowhere.pem"})
    with pytest.raises(BadKey, match="python -m registry keygen") as caught:
        open_registry(settings, signing=True)
    assert f"REGISTRY_{variable.upper()}={folder / 'nowhere.pem'}" in str(caught.value)
    assert caught.value.exit_code == 2
    assert not folder.exists()


def test_a_reader_makes_no_key_and_needs_none_before_there_is_a_signature(
    folder: Path, samples: Callable[[int], list[Sample]]
) -> None:
    url = f"file:{folder.parent / 'registry'}"
    reader = open_registry(RegistrySettings(url=url))
    assert reader.current("production") is None
    assert not folder.exists()
    [one] = samples(1)
    writer = Registry(LocalBackend(folder.parent / "registry"), "x", trust=trust())
    promoted(writer, one)
    with pytest.raises(BadKey, match=r"REGISTRY_PUBLIC_KEY=.*public.pem does not exist"):
        reader.current("production")
    with pytest.raises(BadKey, match="is signed, and REGISTRY_SIGNING_KEY"):
        open_registry(RegistrySettings(url=url), signing=True)
    assert not folder.exists()


def test_a_reader_never_reads_the_private_key(
    folder: Path, samples: Callable[[int], list[Sample]]
) -> None:
    settings = RegistrySettings(url=f"file:{folder.parent / 'registry'}")
    state = promoted(open_registry(settings, signing=True), samples(1)[0])
    (folder / "signing.pem").write_text("garbage")
    assert open_registry(settings).current("production") == state


def test_keys_that_are_no_pair_are_named(pair: tuple[Path, Path]) -> None:
    _, public = pair
    public.write_bytes(ED25519.public_key().public_bytes(*SPKI))
    with pytest.raises(BadKey, match="lacks the public half"):
        open_registry(RegistrySettings(), signing=True)


def test_a_key_is_exchanged_without_a_restart(
    folder: Path, samples: Callable[[int], list[Sample]]
) -> None:
    settings = RegistrySettings(url=f"file:{folder.parent / 'registry'}")
    reader = open_registry(settings)
    one, two = samples(2)
    promoted(open_registry(settings, signing=True), one)
    old = (folder / "public.pem").read_bytes()
    (folder / "public.pem").unlink()
    (folder / "signing.pem").unlink()
    keys.make(folder / "signing.pem", folder / "public.pem")
    new = (folder / "public.pem").read_bytes()
    (folder / "public.pem").write_bytes(new + old)
    state = promoted(open_registry(settings, signing=True), two)
    (folder / "public.pem").write_bytes(new)
    assert reader.current("production") == state


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("gs://bucket/models/digits", "gs://bucket/models/digits"),
        ("gs://bucket/", "gs://bucket"),
        ("file:var/registry", "file:registry"),
        ("file:///mnt/elsewhere/registry/", "file:registry"),
    ],
)
def test_what_a_registry_is_called(url: str, name: str) -> None:
    assert registry_name(url) == name


def test_a_folder_moves_and_another_one_with_its_record_is_refused(
    folder: Path, samples: Callable[[int], list[Sample]]
) -> None:
    one = folder.parent / "one"
    state = promoted(open_registry(RegistrySettings(url=f"file:{one}"), True), samples(1)[0])
    two = one.rename(folder.parent / "two")
    assert open_registry(RegistrySettings(url=f"file:{two}")).inspect("production") != state
    named = RegistrySettings(url=f"file:{two}", name="file:one")
    assert open_registry(named).current("production") == state


def keygen(**variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "registry", "keygen"],
        env=os.environ | {"PYTHONPATH": str(ROOT)} | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def test_keygen_makes_a_pair_once(private: Path, public: Path) -> None:
    made = keygen()
    assert made.returncode == 0, made.stderr
    assert "REGISTRY_SIGNING_KEY  var/keys/signing.pem" in made.stdout
    before = private.read_bytes(), public.read_bytes()
    again = keygen()
    assert again.returncode == 2
    assert "is not written over" in again.stderr
    assert "Traceback" not in again.stderr
    assert (private.read_bytes(), public.read_bytes()) == before
    other = keygen(REGISTRY_SIGNING_KEY="new/signing.pem", REGISTRY_PUBLIC_KEY="new/public.pem")
    assert other.returncode == 0
    assert keys.read_public(Path("new/public.pem")) != keys.read_public(public)


def test_keygen_says_where_it_may_not_write() -> None:
    told = keygen(REGISTRY_SIGNING_KEY="/proc/signing.pem", REGISTRY_PUBLIC_KEY="/proc/public.pem")
    assert told.returncode == 2
    assert "REGISTRY_SIGNING_KEY=/proc/signing.pem" in told.stderr
    assert "Traceback" not in told.stderr
