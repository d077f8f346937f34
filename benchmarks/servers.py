"""How each server is started, and how it wants to be asked."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks import environments
from benchmarks.environments import PEERS
from benchmarks.models import Model
from benchmarks.wire import INFERENCE_PROTOCOL, JSON_LISTS, RAW, Wire
from registry.verdict import Precision

ROOT = Path(__file__).parent.parent
BASE = "service"  # what the others are compared with
ECHO = "echo"

TEMPORARY = "{temporary}"

# What of our own environment a server sees.
KEPT = ("HOME", "LANG", "LD_LIBRARY_PATH", "PATH")


@dataclass(frozen=True)
class Server:
    """A server of one model.

    Attributes:
        command: what starts it.
        folder: where it is started.
        environment: its own variables; :data:`TEMPORARY` in one is the folder for temporary files.
        path: the route that takes images.
        wire: how they travel.
        from_model: whether its answers are a model's.
        metrics: the route that says what runs the model; empty if there is none.
    """

    command: Sequence[str]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    path: str = "/"
    wire: Wire = RAW
    from_model: bool = True
    metrics: str = ""

    def variables(self, temporary: Path) -> dict[str, str]:
        """Its whole environment, with a folder for temporary files."""
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        own = {"TF_CPP_MIN_LOG_LEVEL": "2", "TMPDIR": str(temporary), "PYTHONUNBUFFERED": "1"}
        given = {
            name: value.replace(TEMPORARY, str(temporary))
            for name, value in self.environment.items()
        }
        return kept | own | given


@dataclass(frozen=True)
class Place:
    """Where a server finds what it needs.

    Attributes:
        model: what it serves.
        port: where it listens; the two ports above it are its own as well.
        programs: the folder of programs of its environment.
        work: the folder for what is kept between two starts.
    """

    model: Model
    port: int
    programs: Path
    work: Path


@dataclass(frozen=True)
class Entry:
    """A server that can be measured.

    Attributes:
        make: the server in its place.
        peer: whose environment it runs in; empty for our own.
        variant: what the model must have for it; None if the model itself does.
    """

    make: Callable[[Place], Server]
    peer: str = ""
    variant: Precision | None = None

    def serves(self, model: Model) -> bool:
        """Whether the model has what it needs."""
        return self.variant is None or model.variant(self.variant).exists()


def programs(name: str, work: Path) -> Path:
    """The folder of programs for the server ``name``; those of a peer are installed first.

    Raises:
        Unprepared: they cannot be installed.
    """
    peer = CATALOGUE[name].peer
    return environments.prepare(peer, work) if peer else Path(sys.executable).parent


def _service(variant: str, **choice: str) -> Callable[[Place], Server]:
    """This service, which keeps its cache between two starts, as on a machine of its own."""

    def make(place: Place) -> Server:
        cache = place.work.resolve() / place.model.name / "caches" / variant
        own = {"MODEL_CACHE": str(cache), **choice}
        server = _ours("api", place, dict(place.model.registry) | own)
        return replace(server, metrics="/metrics")

    return make


def _echo(place: Place) -> Server:
    return replace(_ours("benchmarks.echo", place, {}), from_model=False)


def _ours(module: str, place: Place, variables: Mapping[str, str]) -> Server:
    listening = {"SERVE_PORT": str(place.port), "LOG_LEVEL": "WARNING"}
    command = [str(place.programs / "python"), "-m", module]
    return Server(command, ROOT, {**listening, **variables})


def _script(peer: str, path: str = "/", **environment: str) -> Callable[[Place], Server]:
    """A peer that is a program of its own."""

    def make(place: Place) -> Server:
        command = [str(place.programs / "python"), "service.py"]
        return Server(
            [*command, str(place.model.file), str(place.port)],
            PEERS / peer,
            {"PYTHONPATH": str(PEERS), **environment},
            path,
        )

    return make


def _bentoml(place: Place) -> Server:
    python = str(place.programs / "python")
    command = [python, "-m", "bentoml", "serve", "service:Classifier", "--port", str(place.port)]
    variables = {
        "PYTHONPATH": str(PEERS),
        "MODEL_FILE": str(place.model.file),
        "BENTOML_HOME": str(place.work.resolve() / "bentoml"),
        "BENTOML_DO_NOT_TRACK": "True",
    }
    command += ["--host", "127.0.0.1"]
    return Server(command, PEERS / "bentoml", variables, "/classify", JSON_LISTS)


def _mlserver(place: Place) -> Server:
    # https://docs.seldon.ai/mlserver/reference/settings
    variables = {
        "PYTHONPATH": f"{PEERS}:{PEERS / 'mlserver'}",
        "MLSERVER_MODEL_URI": str(place.model.file),
        "MLSERVER_HOST": "127.0.0.1",
        "MLSERVER_HTTP_PORT": str(place.port),
        "MLSERVER_GRPC_PORT": str(place.port + 1),
        "MLSERVER_METRICS_PORT": str(place.port + 2),
        "MLSERVER_PARALLEL_WORKERS": "0",
        "MLSERVER_DEBUG": "false",
        "MLSERVER_GZIP_ENABLED": "false",
    }
    command = [str(place.programs / "mlserver"), "start", "."]
    path = "/v2/models/classifier/infer"
    return Server(command, PEERS / "mlserver", variables, path, INFERENCE_PROTOCOL)


# https://docs.ray.io/en/latest/cluster/kubernetes/user-guides/serve-high-throughput.html: the proxy
# that comes with Ray answered three times as much here as the one in Python. It and Ray keep their
# files in fixed folders, unless told otherwise.
_RAY = {
    "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
    "RAY_SERVE_ENABLE_HA_PROXY": "1",
    "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC": f"{TEMPORARY}/haproxy.cfg",
    "RAY_SERVE_HAPROXY_SOCKET_PATH": f"{TEMPORARY}/haproxy.sock",
    "RAY_SERVE_HAPROXY_METRICS_SOCKET_PATH": f"{TEMPORARY}/haproxy-metrics.sock",
    "RAY_SERVE_HAPROXY_SERVER_STATE_BASE": TEMPORARY,
    "RAY_SERVE_HAPROXY_SERVER_STATE_FILE": f"{TEMPORARY}/haproxy.state",
    "RAY_TMPDIR": TEMPORARY,
    "RAY_USAGE_STATS_ENABLED": "0",
}

CATALOGUE = {
    BASE: Entry(_service("auto")),
    "service-tensorflow": Entry(_service("tensorflow", MODEL_RUNTIME="tensorflow")),
    "service-float32": Entry(
        _service("float32", MODEL_RUNTIME="onnx", MODEL_PRECISION="float32"), variant="float32"
    ),
    "service-int8": Entry(
        _service("int8", MODEL_RUNTIME="onnx", MODEL_PRECISION="int8"), variant="int8"
    ),
    "naive": Entry(_script("naive")),
    "bentoml": Entry(_bentoml, "bentoml"),
    "litserve": Entry(_script("litserve", "/predict"), "litserve"),
    "mlserver": Entry(_mlserver, "mlserver"),
    "ray": Entry(_script("ray", **_RAY), "ray"),
    ECHO: Entry(_echo),
}
