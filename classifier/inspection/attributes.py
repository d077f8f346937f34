"""Attributes: the texts and lists of names that Keras writes, and no others."""

from typing import Any

from h5py import h5a, h5s, h5t

from classifier.inspection.finding import Finding, shown

MOST_ATTRIBUTES = 64
MOST_NAMES = 10_000  # in one attribute
LONGEST_NAME = 512  # characters


def present(item: Any, where: str) -> set[str]:
    """The names of the attributes of an object."""
    names: list[bytes] = []

    def take(name: bytes) -> bool | None:
        names.append(name)
        return len(names) > MOST_ATTRIBUTES or None

    h5a.iterate(item.id, take)
    if len(names) > MOST_ATTRIBUTES:
        raise Finding(f"{where} has more than {MOST_ATTRIBUTES} attributes")
    return {name.decode(errors="replace") for name in names}


def allow(item: Any, allowed: set[str], where: str) -> set[str]:
    """The names of the attributes of an object, which may have none but those allowed."""
    found = present(item, where)
    for name in sorted(found - allowed):
        raise Finding(f"{where} has an attribute {shown(name)}, which Keras does not write")
    return found


def text(item: Any, name: str, where: str) -> str:
    """One text."""
    where = f"the attribute {name} of {where}"
    if _length(item, name, where) is not None:
        raise Finding(f"{where} is a list, not a text")
    return _ascii(item.attrs[name], where)


def names(item: Any, key: str, others: set[str], where: str) -> list[str]:
    """A list of names, which Keras splits into ``key0``, ``key1`` and so on when it is long.

    Args:
        item: the group that has it.
        key: ``layer_names`` or ``weight_names``.
        others: what else the group may have.
        where: the group, in words.
    """
    found = present(item, where) - others
    parts = [key] if found == {key} else [f"{key}{part}" for part in range(len(found))]
    if not parts or found != set(parts):
        raise Finding(f"{where} has the attributes {shown(sorted(found))}, not {key} alone")
    collected: list[str] = []
    for part in parts:
        collected += _list(item, part, f"the attribute {part} of {where}")
    if len(set(collected)) < len(collected) or len(collected) > MOST_NAMES:
        raise Finding(f"the {key} of {where} are too many, or one is there twice")
    return collected


def _list(item: Any, name: str, where: str) -> list[str]:
    if _length(item, name, where) is None:
        raise Finding(f"{where} is not a list")
    values = [_ascii(value, where) for value in item.attrs[name]]
    for value in values:
        if not value.isprintable() or len(value) > LONGEST_NAME:
            raise Finding(f"{where} holds the name {shown(value)}")
    return values


def _length(item: Any, name: str, where: str) -> int | None:
    """How many strings an attribute holds, or None if it is a string and not a list of them."""
    attribute = h5a.open(item.id, name.encode())
    space, kind = attribute.get_space(), attribute.get_type()
    extent = space.get_simple_extent_type()
    if extent not in (h5s.SCALAR, h5s.SIMPLE) or space.get_simple_extent_ndims() > 1:
        raise Finding(f"{where} is neither a text nor a list")
    length = int(space.get_simple_extent_npoints())
    if length > MOST_NAMES:
        raise Finding(f"{where} has {length} entries, more than {MOST_NAMES}")
    # An empty list of names is written as an empty array of numpy's default type.
    if not (isinstance(kind, h5t.TypeStringID) or (length == 0 and kind.equal(h5t.IEEE_F64LE))):
        raise Finding(f"{where} is not text")
    if kind.committed():
        raise Finding(f"{where} has a type that is stored apart from it")
    return None if extent == h5s.SCALAR else length


def _ascii(value: str | bytes, where: str) -> str:
    """``value`` if it is ASCII, which Keras escapes everything to."""
    found = value.decode("latin-1") if isinstance(value, bytes) else value
    if not found.isascii():
        raise Finding(f"{where} holds other characters than ASCII")
    return found
