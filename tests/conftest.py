"""What tests of several packages share: small real models and their cards, mail and storage."""

import contextlib
import hashlib
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from pydantic import SecretStr

from database.database import Database, open_database
from database.settings import DatabaseSettings
from registry.card import Card, Data, Golden
from registry.gcs import GCSBackend
from tests.alerts.smtp_process import SMTPServer
from tests.clock import Clock
from tests.gcs.gcs_process import GCSServer
from tests.postgresql import PostgreSQL

# How long an example takes depends on who else uses the machine.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")

CLASSES = ("circle", "cross", "square")


@pytest.fixture(scope="session", autouse=True)
def children_hear_interrupts() -> Iterator[None]:
    """Let a test's processes start with SIGINT at its default, in a background job too.

    A script starts background jobs with SIGINT ignored, which processes inherit; a handler, even
    one that does nothing, they do not.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGINT, lambda number, frame: None)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def make_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A factory of real, tiny, untrained Keras models in files, different for each seed."""

    def make(seed: int = 0, classes: int = len(CLASSES)) -> Path:
        import keras

        path = tmp_path_factory.mktemp("model") / "best_model.hdf5"
        keras.utils.set_random_seed(seed)
        model = keras.Sequential(
            [
                keras.Input((128, 128, 3), dtype="uint8"),
                keras.layers.Rescaling(1 / 255),
                keras.layers.AveragePooling2D(16),
                keras.layers.Flatten(),
                keras.layers.Dense(classes, activation="softmax"),
            ]
        )
        model.save(path)
        return path

    return make


@pytest.fixture(scope="session")
def make_card() -> Callable[..., Card]:
    """A factory of the card of a model file, with what the model really answers as its golden."""

    def make(model: Path, classes: tuple[str, ...] = CLASSES) -> Card:
        import keras

        pixels = np.arange(128 * 128 * 3, dtype=np.uint32).astype(np.uint8).reshape(1, 128, 128, 3)
        probabilities = np.asarray(keras.saving.load_model(model, compile=False)(pixels))[0]
        return Card(
            version=hashlib.sha256(model.read_bytes()).hexdigest(),
            classes=classes,
            input_shape=(128, 128, 3),
            input_dtype="uint8",
            threshold=0.0,
            arguments={"epochs": 1},
            data=Data("shapes", "0" * 64, {"train": 1, "validation": 1, "held_out": 1}, {}),
            metrics={"val_accuracy": 0.5},
            history={"loss": (1.0,), "val_loss": (1.0,)},
            golden=Golden.of(pixels.tobytes(), tuple(float(p) for p in probabilities)),
            created="2026-01-01T00:00:00+00:00",
            code_revision="unknown",
            libraries={},
        )

    return make


@pytest.fixture
def smtp_server(tmp_path: Path) -> Iterator[Callable[..., SMTPServer]]:
    """A factory of real mail servers; their options are those of tests/alerts/smtp_server.py."""
    with contextlib.ExitStack() as servers:

        def start(**options: str | int) -> SMTPServer:
            server = SMTPServer(tmp_path / "mail", **options)
            servers.callback(server.stop)
            return server

        yield start


@pytest.fixture(scope="session")
def gcs_server() -> Iterator[GCSServer]:
    """A storage server in a process of its own; whoever orders a fault of it must have it strike.

    A process of a test finds it by ``gcs_server.variables`` in its environment.
    """
    server = GCSServer()
    yield server
    server.stop()


@pytest.fixture
def gcs_bucket(gcs_server: GCSServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """A new bucket on the storage server, which this test's process takes for Google's."""
    for name, value in gcs_server.variables.items():
        monkeypatch.setenv(name, value)
    return gcs_server.make_bucket()


@pytest.fixture
def gcs_backend(gcs_bucket: str) -> GCSBackend:
    """The registry's back end on a new bucket."""
    return GCSBackend(gcs_bucket, "models/digits", timeout=20)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A database server; who stops it asks for `stoppable_postgresql`."""
    server = PostgreSQL()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def stoppable_postgresql(postgresql: PostgreSQL) -> Iterator[PostgreSQL]:
    """The same server, for a test that stops it: it runs again afterwards."""
    yield postgresql
    postgresql.start()


@pytest.fixture
def postgresql_url(postgresql: PostgreSQL) -> Iterator[str]:
    """The URL of an empty database on the server."""
    url = postgresql.make_database()
    yield url
    postgresql.drop_database(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/database.sqlite"
    url: str = request.getfixturevalue("postgresql_url")
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database of either kind, with its tables."""
    database = open_database(DatabaseSettings(url=SecretStr(database_url)))
    database.upgrade()
    yield database
    database.close()
