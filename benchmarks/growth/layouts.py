"""Which processes of the service run on which cores."""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from benchmarks.servers import Server


@dataclass(frozen=True)
class Layout:
    """So many processes, each on so many cores of its own."""

    processes: int
    cores: int

    def __str__(self) -> str:
        cores = f"{self.cores} core{'s'[: self.cores > 1]}"
        return (
            f"{self.processes} processes, {cores} each"
            if self.processes > 1
            else f"1 process, {cores}"
        )

    def split(self, cores: Sequence[int]) -> list[Sequence[int]]:
        """The cores of each process."""
        return [cores[at * self.cores :][: self.cores] for at in range(self.processes)]

    def spare(self, cores: Sequence[int]) -> Sequence[int]:
        """Where a generator of load disturbs least: the cores that are left, or all of them."""
        return cores[self.processes * self.cores :] or cores


def layouts(cores: int) -> Iterator[Layout]:
    """One process on 1, 2, 4, ... cores, and as many processes on one core each."""
    count = 1
    while count <= cores:
        yield Layout(1, count)
        if count > 1:
            yield Layout(count, 1)
        count *= 2


def arranged(server: Server, layout: Layout, cores: Sequence[int], port: int) -> Server:
    """The server as several processes, which listen on ``port`` and those above it."""
    command = shlex.join(server.command)
    started = [
        f"SERVE_PORT={port + number} taskset --cpu-list {','.join(map(str, own))} {command} &"
        for number, own in enumerate(layout.split(cores))
    ]
    return replace(server, command=["sh", "-c", " ".join([*started, "wait"])])
