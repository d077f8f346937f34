"""Frozen dataclasses to JSON documents and back.

Encoding is jsonpickle's, with nothing but plain JSON in the output. Decoding never goes through
jsonpickle, which would build any object that a document names: pydantic checks the document
against the dataclass's own annotations instead.
"""

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import jsonpickle
from pydantic import TypeAdapter, ValidationError

from registry.errors import Corrupt

T = TypeVar("T")

# Made once for each kind, which takes longer than to read a document with it.
_adapter: Callable[[Any], TypeAdapter[Any]] = functools.cache(TypeAdapter)


def encode(value: object) -> bytes:
    """``value``, a dataclass of JSON-like fields, as indented UTF-8 JSON.

    Keys of dictionaries may be any text without a ``/``, as names of folders are: those that begin
    with ``py/`` or ``json://`` mean something to jsonpickle and would not come out as they are.
    """
    text: str = jsonpickle.encode(value, unpicklable=False, make_refs=False, keys=True, indent=2)
    return text.encode() + b"\n"


def decode(kind: type[T], document: bytes, name: str) -> T:
    """The ``kind`` that ``document`` encodes; fields that ``kind`` lacks are ignored.

    Raises:
        Corrupt: the document is not JSON or a field is missing or of a wrong type; ``name`` says
            which document it was.
    """
    try:
        found: T = _adapter(kind).validate_json(document)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in fault["loc"]) or "document"
        raise Corrupt(f"{name} is not a valid {kind.__name__}: {where}: {fault['msg']}") from None
    return found
