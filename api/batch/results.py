"""What is found of each image, and the files that it is written to."""

import io
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType

from api.batch.settings import Format


@dataclass(frozen=True)
class Result:
    """What the model says of a file, or why it says nothing.

    Attributes:
        path: the file, below the source; what is no UTF-8 in it is escaped.
        sha256: of its bytes; None if they could not be read.
        index: the number of the class; None if the file is no image that can be decoded.
        label: its name, or ``other``; or None.
        confidence: its probability, 0 to 1; or None.
        version: the model that says so.
        reason: why there is no answer; None if there is one.
    """

    path: str
    sha256: str | None
    index: int | None
    label: str | None
    confidence: float | None
    version: str
    reason: str | None


def shown(name: str) -> str:
    """A name of a file as text that every reader of the results takes."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


@dataclass(frozen=True)
class _Encoding:
    write: Callable[[Sequence[Result]], bytes]
    read: Callable[[bytes], list[Result]]


def encode(kind: Format, results: Sequence[Result]) -> bytes:
    """The content of a file of results, in their order."""
    return ENCODINGS[kind].write(results)


def load(kind: Format, path: Path) -> list[Result] | None:
    """The results in a file; None if it is not there, or not whole."""
    try:
        return ENCODINGS[kind].read(path.read_bytes())
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):  # pyarrow's own errors are ValueErrors
        return None


def _to_lines(results: Sequence[Result]) -> bytes:
    return b"".join(json.dumps(asdict(result)).encode() + b"\n" for result in results)


def _from_lines(content: bytes) -> list[Result]:
    return [Result(**json.loads(line)) for line in content.splitlines()]


def _to_parquet(results: Sequence[Result]) -> bytes:
    # It comes with Ray, and takes a second to import.
    import pyarrow
    from pyarrow import parquet

    text, whole, real = pyarrow.string(), pyarrow.int64(), pyarrow.float64()
    kinds = (text, text, whole, text, real, text, text)
    schema = pyarrow.schema(zip(Result.__annotations__, kinds, strict=True))
    target = io.BytesIO()
    rows = [asdict(result) for result in results]
    parquet.write_table(pyarrow.Table.from_pylist(rows, schema), target)
    return target.getvalue()


def _from_parquet(content: bytes) -> list[Result]:
    from pyarrow import parquet

    table = parquet.read_table(io.BytesIO(content))
    return [Result(**row) for row in table.to_pylist()]


ENCODINGS: Mapping[Format, _Encoding] = MappingProxyType(
    {
        "jsonl": _Encoding(_to_lines, _from_lines),
        "parquet": _Encoding(_to_parquet, _from_parquet),
    }
)
