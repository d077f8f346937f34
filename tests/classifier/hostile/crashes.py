"""Files that crash or hang readers of HDF5: damage to the structures that libhdf5 walks.

Each is of a kind known from the library's list of vulnerabilities: trees and heaps with sizes
that overflow, addresses that lead back or out of the file, counts that nothing bounds. What is
said of them depends on where the library notices; that they are refused does not.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import h5py
from h5py import h5o

from tests.classifier.hostile.hostile import KERNEL, Table

hostile = Table()

GROUP = "model_weights/scores"
ANYTHING = "must not be loaded"
HUGE = 2**64 - 8
DATASPACE, DATATYPE, FILL_VALUE, LAYOUT, ATTRIBUTE, CONTINUATION = 1, 3, 5, 8, 12, 16
SYMBOL_TABLE = 17


class Message(NamedTuple):
    """A message of an object header: its type, and where it and what it says begin."""

    kind: int
    start: int
    data: int


def header(path: Path, name: str) -> int:
    """The address of an object's header."""
    with h5py.File(path) as file:
        return int(h5o.get_info(file[name].id).addr)


def messages(path: Path, name: str) -> Iterator[Message]:
    """The messages of an object header of version 1, those in continuations included."""
    raw, at = path.read_bytes(), header(path, name)
    blocks = [(at + 16, struct.unpack_from("<I", raw, at + 8)[0])]
    while blocks:
        start, length = blocks.pop(0)
        end = start + length
        while start + 8 <= end:
            kind, size = struct.unpack_from("<HH", raw, start)
            yield Message(kind, start, start + 8)
            if kind == CONTINUATION:
                blocks.append(struct.unpack_from("<QQ", raw, start + 8))
            start += 8 + size


def message(path: Path, name: str, kind: int) -> Message:
    return next(found for found in messages(path, name) if found.kind == kind)


def patch(path: Path, at: int, layout: str, *values: int) -> None:
    """Write numbers, little-endian, over what is there."""
    with path.open("r+b") as file:
        file.seek(at)
        file.write(struct.pack(f"<{layout}", *values))


def block(path: Path, signature: bytes, number: int = 0) -> int:
    """Where the block with a signature begins: TREE, SNOD, HEAP or GCOL."""
    raw, at = path.read_bytes(), -1
    for _ in range(number + 1):
        at = raw.index(signature, at + 1)
    return at


def tree(path: Path, name: str = GROUP) -> int:
    """Where the tree of a group's names begins."""
    at = message(path, name, SYMBOL_TABLE).data
    return int(struct.unpack_from("<Q", path.read_bytes(), at)[0])


def heap(path: Path, name: str = GROUP) -> int:
    """Where the heap of a group's names begins."""
    at = message(path, name, SYMBOL_TABLE).data + 8
    return int(struct.unpack_from("<Q", path.read_bytes(), at)[0])


# the superblock and the root


@hostile("superblock")
def addresses_of_255_bytes(path: Path) -> None:
    patch(path, 13, "BB", 255, 255)


@hostile("superblock")
def tree_of_no_width(path: Path) -> None:
    patch(path, 16, "HH", 0, 0)


@hostile("superblock")
def base_beyond_the_end(path: Path) -> None:
    patch(path, 24, "Q", HUGE)


@hostile("superblock")
def driver_that_splits_files(path: Path) -> None:
    patch(path, 48, "Q", 96)


@hostile("truncated")
def end_beyond_the_end(path: Path) -> None:
    patch(path, 40, "Q", HUGE)


@hostile(ANYTHING)
def root_beyond_the_end(path: Path) -> None:
    patch(path, 64, "Q", HUGE)


@hostile(ANYTHING)
def root_within_the_superblock(path: Path) -> None:
    patch(path, 64, "Q", 0)


@hostile(ANYTHING)
def root_that_is_a_weight(path: Path) -> None:
    patch(path, 64, "Q", header(path, KERNEL))


# trees, tables and heaps of names


@hostile(ANYTHING)
def tree_that_is_its_own_child(path: Path) -> None:
    at = tree(path)
    patch(path, at + 5, "B", 1)  # a level above the leaves
    patch(path, at + 32, "Q", at)


@hostile(ANYTHING)
def tree_that_is_its_own_neighbour(path: Path) -> None:
    at = tree(path)
    patch(path, at + 8, "QQ", at, at)


@hostile(ANYTHING)
def tree_of_65535_children(path: Path) -> None:
    patch(path, tree(path) + 6, "H", 65_535)


@hostile(ANYTHING)
def tree_of_255_levels(path: Path) -> None:
    patch(path, tree(path) + 5, "B", 255)


@hostile(ANYTHING)
def tree_of_chunks_under_a_group(path: Path) -> None:
    patch(path, tree(path) + 4, "B", 1)


@hostile(ANYTHING)
def children_beyond_the_end(path: Path) -> None:
    patch(path, tree(path) + 32, "Q", HUGE)


@hostile(ANYTHING)
def table_of_65535_names(path: Path) -> None:
    patch(path, block(path, b"SNOD") + 6, "H", 65_535)


@hostile(ANYTHING)
def name_beyond_the_heap(path: Path) -> None:
    patch(path, block(path, b"SNOD") + 8, "Q", HUGE)


@hostile(ANYTHING)
def object_beyond_the_end(path: Path) -> None:
    patch(path, block(path, b"SNOD") + 16, "Q", HUGE)


@hostile(ANYTHING)
def object_in_the_middle_of_another(path: Path) -> None:
    patch(path, block(path, b"SNOD") + 16, "Q", header(path, KERNEL) + 8)


@hostile(ANYTHING)
def soft_link_in_the_cache_of_a_table(path: Path) -> None:
    patch(path, block(path, b"SNOD") + 24, "I", 2)


@hostile(ANYTHING)
def heap_of_names_of_negative_size(path: Path) -> None:
    patch(path, heap(path) + 8, "Q", HUGE)


@hostile(ANYTHING)
def heap_of_names_of_no_size(path: Path) -> None:
    patch(path, heap(path) + 8, "Q", 0)


@hostile(ANYTHING)
def free_space_that_leads_to_itself(path: Path) -> None:
    at = heap(path)
    data = struct.unpack_from("<Q", path.read_bytes(), at + 24)[0]
    free = struct.unpack_from("<Q", path.read_bytes(), at + 16)[0]
    patch(path, data + free, "QQ", free, 16)


@hostile(ANYTHING)
def free_space_beyond_the_heap(path: Path) -> None:
    patch(path, heap(path) + 16, "Q", 2**40)


@hostile(ANYTHING)
def heap_of_names_beyond_the_end(path: Path) -> None:
    patch(path, heap(path) + 24, "Q", HUGE)


@hostile(ANYTHING)
def heap_without_a_signature(path: Path) -> None:
    patch(path, heap(path), "I", 0)


# object headers


@hostile(ANYTHING)
def header_of_4_gigabytes(path: Path) -> None:
    patch(path, header(path, KERNEL) + 8, "I", 2**32 - 8)


@hostile(ANYTHING)
def header_of_an_unknown_version(path: Path) -> None:
    patch(path, header(path, KERNEL), "B", 77)


@hostile("more than one link")
def header_of_a_million_links(path: Path) -> None:
    patch(path, header(path, KERNEL) + 4, "I", 10**6)


@hostile(ANYTHING)
def continuation_that_leads_to_itself(path: Path) -> None:
    found = message(path, GROUP, CONTINUATION)
    patch(path, found.data, "QQ", found.start, 24)


@hostile(ANYTHING)
def continuation_beyond_the_end(path: Path) -> None:
    patch(path, message(path, GROUP, CONTINUATION).data, "QQ", HUGE, 4096)


@hostile(ANYTHING)
def continuation_of_negative_length(path: Path) -> None:
    patch(path, message(path, GROUP, CONTINUATION).data + 8, "Q", HUGE)


@hostile(ANYTHING)
def message_longer_than_its_header(path: Path) -> None:
    patch(path, message(path, KERNEL, LAYOUT).start + 2, "H", 65_528)


@hostile(ANYTHING)
def message_shared_with_nobody(path: Path) -> None:
    patch(path, message(path, KERNEL, DATATYPE).start + 4, "B", 2)


@hostile("header message")
def message_of_an_unknown_type(path: Path) -> None:
    patch(path, message(path, KERNEL, FILL_VALUE).start, "H", 250)


# what a weight is


@hostile(ANYTHING)
def shape_of_255_axes(path: Path) -> None:
    patch(path, message(path, KERNEL, DATASPACE).data + 1, "B", 255)


@hostile("declares|damaged")
def shape_whose_product_overflows(path: Path) -> None:
    patch(path, message(path, KERNEL, DATASPACE).data + 8, "QQ", 2**32, 2**32)


@hostile(ANYTHING)
def shape_of_negative_lengths(path: Path) -> None:
    patch(path, message(path, KERNEL, DATASPACE).data + 8, "QQ", HUGE, HUGE)


@hostile("type of numbers|damaged")
def numbers_of_4_gigabytes(path: Path) -> None:
    patch(path, message(path, KERNEL, DATATYPE).data + 4, "I", 2**32 - 1)


@hostile("type of numbers|damaged")
def numbers_of_no_bytes(path: Path) -> None:
    patch(path, message(path, KERNEL, DATATYPE).data + 4, "I", 0)


@hostile("type of numbers|damaged")
def numbers_with_a_mantissa_of_255_bits(path: Path) -> None:
    patch(path, message(path, KERNEL, DATATYPE).data + 8, "HHBBBB", 0, 32, 200, 255, 0, 255)


@hostile("type of numbers|damaged")
def type_of_records_without_end(path: Path) -> None:
    patch(path, message(path, KERNEL, DATATYPE).data, "BBBB", 0x16, 255, 255, 0)


@hostile("type of numbers|damaged")
def type_of_lists_of_nothing(path: Path) -> None:
    patch(path, message(path, KERNEL, DATATYPE).data, "B", 0x19)


@hostile("declares|damaged")
def weight_beyond_the_end(path: Path) -> None:
    patch(path, message(path, KERNEL, LAYOUT).data + 2, "Q", HUGE)


@hostile("declares|damaged")
def weight_just_beyond_the_end(path: Path) -> None:
    patch(path, message(path, KERNEL, LAYOUT).data + 2, "Q", path.stat().st_size - 4)


@hostile("declares|damaged")
def weight_of_more_bytes_than_it_declares(path: Path) -> None:
    patch(path, message(path, KERNEL, LAYOUT).data + 10, "Q", HUGE)


@hostile(ANYTHING)
def layout_of_an_unknown_version(path: Path) -> None:
    patch(path, message(path, KERNEL, LAYOUT).data, "B", 99)


@hostile(ANYTHING)
def layout_of_an_unknown_kind(path: Path) -> None:
    patch(path, message(path, KERNEL, LAYOUT).data + 1, "B", 99)


@hostile(ANYTHING)
def fill_value_of_2_gigabytes(path: Path) -> None:
    found = message(path, KERNEL, FILL_VALUE)
    patch(path, found.data, "BBBBI", 2, 2, 2, 1, 2**31 - 1)


# attributes and the heap of their texts


@hostile(ANYTHING)
def attribute_with_a_name_of_65535_bytes(path: Path) -> None:
    patch(path, message(path, GROUP, ATTRIBUTE).data + 2, "H", 65_535)


@hostile(ANYTHING)
def attribute_of_an_unknown_version(path: Path) -> None:
    patch(path, message(path, GROUP, ATTRIBUTE).data, "B", 99)


@hostile(ANYTHING)
def attribute_whose_parts_overflow(path: Path) -> None:
    patch(path, message(path, GROUP, ATTRIBUTE).data + 2, "HHH", 65_535, 65_535, 65_535)


@hostile(ANYTHING)
def attribute_of_negative_length(path: Path) -> None:
    raw, found = path.read_bytes(), message(path, GROUP, ATTRIBUTE)
    name, kind, _ = (-(-size // 8) * 8 for size in struct.unpack_from("<HHH", raw, found.data + 2))
    patch(path, found.data + 8 + name + kind + 8, "Q", HUGE)


@hostile(ANYTHING)
def heap_of_texts_of_negative_size(path: Path) -> None:
    patch(path, block(path, b"GCOL") + 8, "Q", HUGE)


@hostile(ANYTHING)
def heap_of_texts_of_no_size(path: Path) -> None:
    patch(path, block(path, b"GCOL") + 8, "Q", 0)


@hostile(ANYTHING)
def text_of_negative_length(path: Path) -> None:
    patch(path, block(path, b"GCOL") + 24, "Q", HUGE)


@hostile(ANYTHING)
def text_of_no_length(path: Path) -> None:
    patch(path, block(path, b"GCOL") + 24, "Q", 0)


@hostile(ANYTHING)
def text_with_another_number(path: Path) -> None:
    patch(path, block(path, b"GCOL") + 16, "H", 65_535)


@hostile(ANYTHING)
def texts_in_the_place_of_a_tree(path: Path) -> None:
    patch(path, message(path, GROUP, SYMBOL_TABLE).data, "Q", block(path, b"GCOL"))


@hostile(ANYTHING)
def names_beyond_the_end(path: Path) -> None:
    patch(path, message(path, GROUP, SYMBOL_TABLE).data, "QQ", HUGE, HUGE)


@hostile(ANYTHING)
def nothing_but_ones_after_the_superblock(path: Path) -> None:
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(96)
        file.write(b"\xff" * (size - 96))


@hostile(ANYTHING)
def nothing_but_zeros_after_the_superblock(path: Path) -> None:
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(96)
        file.write(bytes(size - 96))
