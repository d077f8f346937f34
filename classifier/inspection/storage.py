"""The HDF5 container: only what Keras writes, stored where and as it says.

libhdf5 can follow links into other files, compute data from other data, decompress, and build
types out of types. Keras' files need none of that, so that whatever is not of the plainest kind
is refused by what its object header holds, before it is opened. Only then is anything read, with
the calls that Keras makes as well: what makes these crash does so here.
"""

import struct
from collections.abc import Iterator
from io import FileIO
from typing import Any, NamedTuple

import h5py
from h5py import h5l, h5o

from classifier.inspection import attributes, weights
from classifier.inspection.finding import Finding, shown
from classifier.inspection.weights import Weight

MOST_OBJECTS = 20_000  # NASNetLarge has 4,625
DEEPEST = 12  # groups within groups
LONGEST_NAME = 128  # bytes

# Version 0 without a user block, addresses and lengths of 8 bytes, and libhdf5's own tree sizes.
_SUPERBLOCK = struct.Struct("<24s4Q")
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_VERSIONS_AND_SIZES = bytes.fromhex("0000000000080800 0400100000000000")
_UNDEFINED = 2**64 - 1

# The types of messages in an object header: HDF5 File Format Specification 3.0, IV.A.2.
_MESSAGES = {
    0: "nil",
    1: "dataspace",
    2: "links of a newer kind, as external ones are",
    3: "datatype",
    4: "old fill value",
    5: "fill value",
    6: "link of a newer kind",
    7: "external data files",
    8: "data layout",
    10: "group info",
    11: "filter pipeline",
    12: "attribute",
    13: "comment",
    14: "old modification time",
    15: "shared message table",
    16: "continuation",
    17: "symbol table",
    18: "modification time",
    19: "B-tree sizes",
    20: "driver info",
    21: "attribute info",
    22: "reference count",
    23: "file space info",
}
_OF_GROUPS = {"nil", "attribute", "continuation", "symbol table"}
_OF_DATASETS = {"nil", "dataspace", "datatype", "fill value", "data layout", "continuation"}

_LINKS = {h5l.TYPE_SOFT: "a soft link", h5l.TYPE_EXTERNAL: "an external link"}


class Stored(NamedTuple):
    """What the file holds.

    Attributes:
        model_config: the JSON text of the model's layers.
        training_config: the JSON text of how it was compiled, or None.
        weights: those of each layer, in the order of the file's own lists.
    """

    model_config: str
    training_config: str | None
    weights: dict[str, list[Weight]]


def read(path: str, raw: FileIO, size: int) -> Stored:
    """Check all objects of a file, and read what Keras will read.

    Args:
        path: what libhdf5 opens.
        raw: the same file.
        size: its length in bytes.

    Raises:
        Finding: something is there that Keras does not write.
        Exception: whatever h5py makes of damage.
    """
    _check_superblock(raw, size)
    with h5py.File(path, "r") as file:
        return _Walk(size).model(file)


def _check_superblock(raw: FileIO, size: int) -> None:
    block = raw.read(_SUPERBLOCK.size)
    if not block.startswith(_SIGNATURE):
        raise Finding("it is not an HDF5 file")
    if len(block) < _SUPERBLOCK.size:
        raise Finding("it is truncated within its first bytes")
    start, base, free_space, end, driver = _SUPERBLOCK.unpack(block)
    written = (_SIGNATURE + _VERSIONS_AND_SIZES, 0, _UNDEFINED, _UNDEFINED)
    if (start, base, free_space, driver) != written:
        raise Finding("its superblock is not the one that Keras writes (version 0, at the start)")
    if end > size:
        raise Finding(f"it is truncated: it has {size} bytes of {end}")
    if end < size:
        raise Finding(f"{size - end} bytes follow its end")


class _Walk:
    """One pass over the objects of a file, each of which may be met only once."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._addresses: set[int] = set()
        self._weights: list[Weight] = []

    def model(self, file: h5py.File) -> Stored:
        self._check_header(h5o.get_info(file.id), "/", _OF_GROUPS)
        texts = _texts(file)
        groups = self._groups(file, "", 1)
        if "model_weights" not in groups:
            raise Finding("/ has no group model_weights")
        layers = self._layers(groups.pop("model_weights"), "/model_weights")
        for name, group in groups.items():
            if name != "optimizer_weights":
                raise Finding(f"/{name} is a group that Keras does not write")
            self._listed(group, "/optimizer_weights", 2)
        weights.check_apart(self._weights)
        return Stored(texts["model_config"], texts.get("training_config"), layers)

    def _layers(self, group: h5py.Group, where: str) -> dict[str, list[Weight]]:
        versions = {"keras_version", "backend"}
        names = attributes.names(group, "layer_names", versions, where)
        for version in attributes.present(group, where) & versions:
            attributes.text(group, version, where)
        layers = self._groups(group, where, 2)
        found = {n: self._listed(layer, f"{where}/{n}", 3) for n, layer in layers.items()}
        if found.pop("top_level_model_weights", None):
            raise Finding(f"{where}/top_level_model_weights holds weights of no layer")
        _check_listed(names, found, where)
        return {name: found[name] for name in names}

    def _listed(self, group: h5py.Group, where: str, depth: int) -> list[Weight]:
        names = attributes.names(group, "weight_names", set(), where)
        found = dict(self._datasets(group, "", where, depth))
        _check_listed(names, found, where)
        return [found[name] for name in names]

    def _datasets(
        self, group: h5py.Group, prefix: str, where: str, depth: int
    ) -> Iterator[tuple[str, Weight]]:
        for name, child in self._children(group, where, depth):
            if isinstance(child, h5py.Dataset):
                weight = weights.read(child, f"{where}/{name}", self._size)
                self._weights.append(weight)
                yield prefix + name, weight
            else:
                attributes.allow(child, set(), f"{where}/{name}")
                yield from self._datasets(child, f"{prefix}{name}/", f"{where}/{name}", depth + 1)

    def _groups(self, group: h5py.Group, where: str, depth: int) -> dict[str, h5py.Group]:
        found = {}
        for name, child in self._children(group, where, depth):
            if not isinstance(child, h5py.Group):
                raise Finding(f"{where}/{name} is no group")
            found[name] = child
        return found

    def _children(
        self, group: h5py.Group, where: str, depth: int
    ) -> Iterator[tuple[str, h5py.Group | h5py.Dataset]]:
        if depth > DEEPEST:
            raise Finding(f"{where} lies more than {DEEPEST} groups deep")
        for name in self._links(group, where):
            yield name.decode(), self._child(group, name, where)

    def _links(self, group: h5py.Group, where: str) -> list[bytes]:
        names: list[bytes] = []

        def take(name: bytes) -> bool | None:
            names.append(name)
            return len(names) > MOST_OBJECTS or None

        group.id.links.iterate(take)
        if len(names) + len(self._addresses) > MOST_OBJECTS:
            raise Finding(f"it holds more than {MOST_OBJECTS} objects, at {where or '/'}")
        return names

    def _child(self, group: h5py.Group, name: bytes, where: str) -> h5py.Group | h5py.Dataset:
        """The object behind a link, once its header has nothing unusual."""
        if len(name) > LONGEST_NAME or not name.isascii() or not name.decode().isprintable():
            raise Finding(f"{where or '/'} holds an object called {shown(name)}")
        path = f"{where}/{name.decode()}"
        link = group.id.links.get_info(name).type
        if link != h5l.TYPE_HARD:
            raise Finding(f"{path} is {_LINKS.get(link, 'a user-defined link')}, not an object")
        info = h5o.get_info(group.id, name)
        if info.type == h5o.TYPE_GROUP:
            self._check_header(info, path, _OF_GROUPS)
            return h5py.Group(h5o.open(group.id, name))
        if info.type == h5o.TYPE_DATASET:
            self._check_header(info, path, _OF_DATASETS)
            return h5py.Dataset(h5o.open(group.id, name))
        raise Finding(f"{path} is neither a group nor a weight")

    def _check_header(self, info: Any, path: str, allowed: set[str]) -> None:
        if info.addr in self._addresses or info.rc != 1:
            raise Finding(f"{path} has more than one link to it")
        self._addresses.add(info.addr)
        for kind in range(64):
            if info.hdr.mesg.present >> kind & 1 and _MESSAGES.get(kind) not in allowed:
                meaning = _MESSAGES.get(kind, f"type {kind}")
                raise Finding(f"{path} has a header message ({meaning}) that Keras does not write")
        if info.hdr.version != 1 or info.hdr.mesg.shared:
            raise Finding(f"{path} has an object header of a kind that Keras does not write")


def _texts(file: h5py.File) -> dict[str, str]:
    known = {"model_config", "keras_version", "backend", "training_config"}
    found = {name: attributes.text(file, name, "/") for name in attributes.allow(file, known, "/")}
    for required in ("model_config", "keras_version"):
        if required not in found:
            raise Finding(f"/ has no attribute {required}: it is no model of Keras 3")
    if not found["keras_version"].startswith("3."):
        raise Finding(f"it was written by Keras {shown(found['keras_version'])}, not by Keras 3")
    return found


def _check_listed(names: list[str], found: dict[str, Any], where: str) -> None:
    for name in sorted(set(names) ^ found.keys()):
        fault = "lists" if name in names else "does not list"
        raise Finding(f"{where} {fault} {shown(name)} among its names, unlike what it holds")
