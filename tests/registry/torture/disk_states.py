"""What a power cut may leave of a folder, given what was done to it and what was synced.

The model of the disk is the weakest one that POSIX permits and any file system in use keeps to, as
in Pillai et al., All File Systems Are Not Created Equal: On the Complexity of Crafting
Crash-Consistent Applications, OSDI 2014, where it is called the default abstract persistence model:

- What was not synced may be on the disk or not, each part by itself and in any order: the content
  of a file, and each name in a folder. Of a name's successive values since its folder was synced
  any one may be there, whatever became of the other names.
- The content of a file that was not synced may be missing, all or in part, or be zeros.
- To sync a file makes its content last, and not its name. To sync a folder makes the names in it
  last, and neither its own name nor what they name.
- rename(2) replaces its target's name at once: it is the old or the new one, never none. The name
  that it came from may be there still, or again.
- A folder that cannot be reached from the top is gone, and all that is in it.
"""

import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from tests.registry.torture.disk_trace import Step

T = TypeVar("T")


@dataclass(eq=False)
class File:
    """A file.

    Attributes:
        content: what was written.
        synced: whether it is on the disk.
    """

    content: bytes = b""
    synced: bool = False

    @property
    def possible(self) -> list[bytes]:
        """The contents that the disk may hold."""
        if self.synced:
            return [self.content]
        half = self.content[: len(self.content) // 2]
        return list(dict.fromkeys([self.content, b"", half, bytes(len(self.content))]))


@dataclass(frozen=True)
class Symlink:
    """A symbolic link."""

    target: str


@dataclass(eq=False)
class Folder:
    """A folder.

    Attributes:
        names: what each name may name on the disk, the oldest value first; None for nothing. The
            last one is what the running system sees.
    """

    names: dict[str, list["Node | None"]] = field(default_factory=dict)


Node = File | Symlink | Folder

# What is there by its path: the bytes of a file, the target of a symbolic link, None for a folder.
# What lies in a folder follows it.
State = dict[str, str | bytes | None]

# Of so many possibilities, the number of one.
Choose = Callable[[int], int]


class Disk:
    """A folder that starts empty, and what was done to it up to now."""

    def __init__(self) -> None:
        self.top = Folder()

    def take(self, step: Step) -> None:
        """Do one step."""
        match step.what:
            case "create":
                self._put(step.path, File(step.content or b""))
            case "mkdir":
                self._put(step.path, Folder())
            case "symlink":
                self._put(step.path, Symlink(step.other))
            case "link":
                self._put(step.path, self._find(step.other))
            case "rename":
                self._put(step.path, self._find(step.other))
                self._put(step.other, None)
            case "unlink" | "rmdir":
                self._put(step.path, None)
            case "sync":
                self._sync(self._find(step.path), step.content)

    def states(self, draw: random.Random, limit: int) -> Iterator[State]:
        """What a power cut now may leave: everything, or if that is more, ``limit`` of it."""
        found = list(itertools.islice(every(self._state), limit + 1))
        if len(found) > limit:
            found = [self._state(lambda count: draw.randrange(count)) for _ in range(limit - 2)]
            found += [self._state(lambda count: 0), self._state(lambda count: count - 1)]
        yield from found

    def _state(self, choose: Choose) -> State:
        chosen: dict[File, bytes] = {}

        def below(folder: Folder, path: str) -> Iterator[tuple[str, str | bytes | None]]:
            for name, values in folder.names.items():
                node = _one(list(dict.fromkeys(values)), choose)
                if isinstance(node, Folder):
                    yield f"{path}{name}", None
                    yield from below(node, f"{path}{name}/")
                elif isinstance(node, File):
                    if node not in chosen:
                        chosen[node] = _one(node.possible, choose)
                    yield f"{path}{name}", chosen[node]
                elif node:
                    yield f"{path}{name}", node.target

        return dict(below(self.top, ""))

    def _sync(self, node: "Node | None", content: bytes | None) -> None:
        if isinstance(node, Folder):
            node.names = {name: values[-1:] for name, values in node.names.items() if values[-1]}
        elif isinstance(node, File):
            node.content, node.synced = content or b"", True

    def _find(self, path: str) -> "Node | None":
        node: Node | None = self.top
        for name in Path(path).parts:
            assert isinstance(node, Folder), path
            node = node.names[name][-1]
        return node

    def _put(self, path: str, node: "Node | None") -> None:
        parent = self._find(Path(path).parent.as_posix())
        assert isinstance(parent, Folder), path
        parent.names.setdefault(Path(path).name, [None]).append(node)


def foreseen(steps: Sequence[Step]) -> list[Step]:
    """The steps, in which the creation of a file already tells what will be written to it."""
    told: list[Step] = []
    later: dict[str, bytes] = {}
    for step in reversed(steps):
        if step.what == "create":
            step = step._replace(content=later.pop(step.path, b""))
        elif step.content is not None:
            later[step.other or step.path] = step.content
        told.append(step)
    return told[::-1]


def every(make: Callable[[Choose], T]) -> Iterator[T]:
    """What ``make`` makes of all choices that it may be given, one after the other."""
    picks: list[int] = []
    while True:
        counts: list[int] = []

        def choose(count: int, counts: list[int] = counts) -> int:
            counts.append(count)
            if len(picks) < len(counts):
                picks.append(0)
            return picks[len(counts) - 1]

        yield make(choose)
        while picks and picks[-1] == counts[len(picks) - 1] - 1:
            picks.pop()
        if not picks:
            return
        picks[-1] += 1


def _one(values: Sequence[T], choose: Choose) -> T:
    return values[0] if len(values) == 1 else values[choose(len(values))]
