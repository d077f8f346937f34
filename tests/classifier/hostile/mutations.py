"""Random damage to a file, the same for the same number."""

import random
import struct
from collections.abc import Callable

SUPERBLOCK = 56  # bytes, which are compared as a whole: damage there says little
END = 40  # where the superblock has the length of the file

# What programs that read sizes, counts and addresses stumble over.
NUMBERS = [0, 1, 2, 7, 8, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1, 2**32]
NUMBERS += [2**63 - 1, 2**63, 2**64 - 8, 2**64 - 1]

Mutation = Callable[[bytearray, random.Random], None]


def mutated(genuine: bytes, number: int) -> bytes:
    """The genuine file with damage number ``number``."""
    chance = random.Random(number)
    found = bytearray(genuine)
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        chance.choice(MUTATIONS)(found, chance)
    if chance.random() < 0.9:  # or else the first check would refuse what changed its length
        found[END : END + 8] = struct.pack("<Q", len(found))
    return bytes(found)


def _place(found: bytearray, chance: random.Random) -> int:
    """Somewhere in the file, and rarely in one of its many stretches of zeros."""
    for _ in range(chance.choice([1, 8, 8, 8])):
        place = chance.randrange(min(SUPERBLOCK, len(found) - 1), len(found))
        if found[place]:
            break
    return place


def _region(found: bytearray, chance: random.Random) -> tuple[int, int]:
    start = _place(found, chance)
    return start, min(len(found), start + chance.choice([1, 2, 4, 8, 16, 64, 512, 4096]))


def flip_bits(found: bytearray, chance: random.Random) -> None:
    for _ in range(chance.choice([1, 1, 2, 8])):
        found[_place(found, chance)] ^= 1 << chance.randrange(8)


def set_bytes(found: bytearray, chance: random.Random) -> None:
    start, end = _region(found, chance)
    fill = chance.choice([b"\0", b"\xff", chance.randbytes(1)])
    found[start:end] = fill * (end - start)


def set_number(found: bytearray, chance: random.Random) -> None:
    layout, width = chance.choice([("<H", 2), ("<I", 4), ("<Q", 8)])
    start = _place(found, chance) // width * width
    value = chance.choice([*NUMBERS, len(found), _place(found, chance) // 8 * 8])
    if start + width <= len(found):
        struct.pack_into(layout, found, start, value % (1 << 8 * width))


def move_number(found: bytearray, chance: random.Random) -> None:
    """Add a little to what may be an address or a size."""
    start = _place(found, chance) // 8 * 8
    if start + 8 <= len(found):
        (value,) = struct.unpack_from("<Q", found, start)
        struct.pack_into("<Q", found, start, (value + chance.randrange(-64, 65)) % 2**64)


def copy_region(found: bytearray, chance: random.Random) -> None:
    start, end = _region(found, chance)
    target = _place(found, chance)
    end = min(end, start + len(found) - target)
    found[target : target + end - start] = found[start:end]


def swap_regions(found: bytearray, chance: random.Random) -> None:
    start, end = _region(found, chance)
    other = _place(found, chance)
    length = min(end - start, len(found) - other, abs(other - start))
    one, two = found[start : start + length], found[other : other + length]
    found[start : start + length], found[other : other + length] = two, one


def truncate(found: bytearray, chance: random.Random) -> None:
    del found[_place(found, chance) :]


def delete(found: bytearray, chance: random.Random) -> None:
    start, end = _region(found, chance)
    del found[start:end]


def insert(found: bytearray, chance: random.Random) -> None:
    start, end = _region(found, chance)
    found[start:start] = chance.randbytes(end - start)


def change_digit(found: bytearray, chance: random.Random) -> None:
    """Another digit in the configuration, or in whatever looks like one."""
    start = _place(found, chance)
    for place in range(start, len(found)):
        if chr(found[place]).isdigit() and found[place] < 128:
            found[place] = ord(chance.choice("0123456789"))
            return


MUTATIONS: list[Mutation] = [
    flip_bits,
    flip_bits,
    set_bytes,
    set_number,
    set_number,
    move_number,
    copy_region,
    swap_regions,
    truncate,
    delete,
    insert,
    change_digit,
]
