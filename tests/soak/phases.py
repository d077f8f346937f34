"""What is done to the service while callers ask it, each kind as often as it is told."""

import math
import random
import resource
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.alerts.smtp_process import SMTPServer
from tests.api.processes import Process
from tests.gcs.gcs_process import GCSServer
from tests.nginx.proxies import Proxy
from tests.ports import free_port
from tests.soak import smuggling
from tests.soak.callers import Callers
from tests.soak.candidates import KINDS
from tests.soak.laws import disagreements, p99, violations
from tests.soak.relay import Relay
from tests.soak.report import Report
from tests.soak.slow import Slow
from tests.soak.stand import Stand, info, resident, wait_for_version, wait_until

PROGRESS = 100  # swaps
STEADY = 40  # requests before anything is done
SETTLED = slice(5, 15)  # the swaps after which memory is what it should stay: about the tenth
GLIMPSE = 2.0  # seconds
MiB = 2**20


@contextmanager
def attended(
    stand: Stand, service: Process, report: Report, phase: str, steady: int = STEADY
) -> Iterator[Callers]:
    """Callers during a block, of whose answers every one has to be right."""
    with Callers(service.url, stand.folder / "asked") as callers:
        callers.wait_for(steady)
        yield callers
        asked = callers.stop()
    slowest = max(each.seconds for each in asked)
    report.figure(
        phase, f"{len(asked)} requests, 99 % in {p99(asked):.3f} s, all in {slowest:.1f} s"
    )
    report.require(phase, violations(asked, stand.labels))
    report.require(phase, disagreements(asked, service.lines, stand.labels))


def swaps(
    folder: Path,
    report: Report,
    count: int,
    corrupt: int,
    steady: int = STEADY,
    seconds: float = math.inf,
    pace: float = 0.0,
) -> tuple[float, float]:
    """Exchange the model so often, or for so long, with corrupt candidates in between.

    Args:
        folder: for all that is written.
        report: is told of it.
        count: how many exchanges.
        corrupt: how many candidates are corrupt.
        steady: requests before the first exchange, and in each pause.
        seconds: after which no further exchange begins.
        pace: seconds from one exchange to the next, at least. Without, what makes and publishes
            the models, which is on the same cores, would be most of what callers feel.

    Returns:
        How many times its value without swaps the p99 is during them, and how many times its value
        after the first swaps the memory is after the last ones.
    """
    stand, memory = Stand(folder), list[int]()
    stand.promote()
    with stand.service() as service:
        service.wait_for("/ready")
        with attended(stand, service, report, "swaps", steady) as callers:
            begun = time.monotonic()
            pauses = [(0.0, begun)]
            for number in range(count):
                swapping = time.monotonic()
                if swapping - begun > seconds:
                    break
                stand.swap(service)
                memory.append(resident(service))
                if number % (count // corrupt) == 0:
                    stand.refuse(service, KINDS[number // (count // corrupt) % len(KINDS)])
                if len(memory) % PROGRESS == 0:
                    report.figure("swaps", f"{len(memory)}, {memory[-1] / MiB:.1f} MiB")
                    pauses.append(pause(callers, steady))
                time.sleep(max(0.0, swapping + pace - time.monotonic()))
            each = (time.monotonic() - begun) / len(memory)
            asked = callers.asked()
    calm = {each for each in asked if any(a <= each.begun < b for a, b in pauses)}
    calm_p99, during = p99(tuple(calm)), p99([each for each in asked if each not in calm])
    early, late = statistics.median(memory[SETTLED]), statistics.median(memory[-10:])
    report.figure("swaps", f"{len(memory)}, one in {each:.2f} s, and up to {corrupt} refused")
    report.figure("swaps", f"p99 {1000 * calm_p99:.1f} ms without, {1000 * during:.1f} ms during")
    report.figure("swaps", f"{early / MiB:.1f} MiB after ten and {late / MiB:.1f} MiB at the end")
    return during / calm_p99, late / early


def pause(callers: Callers, requests: int) -> tuple[float, float]:
    """Let so many requests be answered; when that began and ended."""
    begun = time.monotonic()
    callers.wait_for(len(callers.asked()) + requests)
    return begun, time.monotonic()


def kills(folder: Path, report: Report, count: int, seed: int = 0) -> None:
    """Kill the service at any moment, and start it anew, every other time without its registry."""
    stand, draw, port = Stand(folder), random.Random(seed), str(free_port())
    latest = stand.promote()
    service = stand.service(SERVE_PORT=port)
    try:
        service.wait_for("/ready")
        with Callers(service.url, folder / "asked", patient=True) as callers:
            callers.wait_for(STEADY)
            for number in range(count):
                callers.wait_for(len(callers.asked()) + draw.randrange(10))
                latest = stand.promote()  # so that some are killed while they swap
                service.process.kill()
                service.wait()
                with without(folder / "registry", number % 2 == 0):
                    service = stand.service(SERVE_PORT=port)
                    service.wait_for("/ready")
                    assert info(service)["from_cache"] or number % 2
                wait_for_version(service, latest.version)
            asked = callers.stop()
    finally:
        service.process.kill()
        service.wait()
    slowest = max(each.seconds for each in asked)
    report.figure("kills", f"{count}; {len(asked)} requests by the client, all in {slowest:.1f} s")
    report.require("kills", violations(asked, stand.labels))


@contextmanager
def without(folder: Path, taken: bool) -> Iterator[None]:
    """A block in which a folder is away, or not."""
    away = folder.with_name("away")
    if taken:
        folder.rename(away)
    yield
    if taken:
        away.rename(folder)


def outages(folder: Path, report: Report, server: GCSServer, count: int) -> None:
    """Take the registry, a bucket, and the mail server away together, and bring them back."""
    url = f"gs://{server.make_bucket()}/models"
    stand, mail = Stand(folder, url), SMTPServer(folder / "mail")
    latest = stand.promote()
    with Relay(int(server.url.rpartition(":")[2])) as relay:
        variables = mail.variables | {
            "REGISTRY_URL": url,
            "REGISTRY_TIMEOUT": "2",
            "STORAGE_EMULATOR_HOST": f"http://127.0.0.1:{relay.port}",
            "ALERT_REPEAT_AFTER": "0",
        }
        with stand.service(**variables) as service:
            service.wait_for("/ready")
            with attended(stand, service, report, "outages"):
                for _ in range(count):
                    mail.stop()
                    relay.cut()
                    wait_until(lambda: "cannot tell which" in info(service)["problem"], service)
                    assert info(service)["version"] == latest.version
                    service.wait_for("/ready")
                    mail = SMTPServer(folder / "mail", port=mail.port)
                    mail.wait_for_messages()
                    relay.mend()
                    latest = stand.swap(service)
    mail.stop()
    report.figure("outages", f"{count} of the registry and of the mail server")


def full_disk(folder: Path, report: Report, count: int) -> None:
    """Let the cache have no room for a model, and then enough."""
    stand = Stand(folder)
    stand.promote()
    with stand.service() as service:
        service.wait_for("/ready")
        with attended(stand, service, report, "full disk"):
            for _ in range(count):
                with no_larger_files(service, 4 * MiB):
                    latest = stand.swap(service, padding=5 * MiB)
                    wait_until(lambda: "is not kept" in info(service)["problem"], service)
                wait_until(lambda: not info(service)["problem"], service)
    with without(folder / "registry", True), stand.service() as service:
        assert service.wait_for("/ready")["data"]["version"] == latest.version
    report.figure("full disk", f"{count} times")


@contextmanager
def no_larger_files(service: Process, size: int) -> Iterator[None]:
    """A block in which the service can make no file larger, as on a disk that is full."""
    _, hard = resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (size, hard))
    yield
    resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (hard, hard))


def slow_connections(folder: Path, report: Report, count: int, requests: int) -> None:
    """Answer others while connections send a byte a second each."""
    stand = Stand(folder)
    stand.promote()
    with stand.service() as service:
        service.wait_for("/ready")
        with Slow(service.port, count) as slow:
            slow.wait_for(count, 60)
            with attended(stand, service, report, "slow connections") as callers:
                callers.wait_for(requests)
            report.figure("slow connections", f"{slow.open} were open, {slow.ended} were ended")


def smuggled(folder: Path, report: Report) -> None:
    """Hide requests in others, for the service and for nginx in front of it."""
    stand = Stand(folder)
    stand.promote()
    crafted = list(smuggling.requests())
    with stand.service() as service, Proxy(folder, [service.port]) as proxy:
        service.wait_for("/ready")
        with attended(stand, service, report, "smuggling"):
            for request in crafted:
                smuggling.answers(service.connect(), request)
            direct = heard(service)
            connections = [proxy.connect() for _ in crafted]
            for connection, request in zip(connections, crafted, strict=True):
                connection.sendall(request)
            smuggling.glimpse(connections, GLIMPSE)
            assert proxy.ask("GET", "/ready").status_code == 200
        passed = [line for line in proxy.written if line["path"] == smuggling.PATH]
    found = heard(service) - direct
    report.figure("smuggling", f"{len(crafted)} requests to the service, and so many to nginx")
    report.require("smuggling", [f"{direct} were heard"] * (direct > 0))
    report.require("smuggling", [f"{found} were heard behind nginx"] * (found != len(passed)))


def heard(service: Process) -> int:
    """How many hidden requests the service has answered."""
    return sum(line.get("path") == smuggling.PATH for line in service.lines)
