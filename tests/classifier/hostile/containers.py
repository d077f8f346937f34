"""Files whose HDF5 holds more than Keras writes: links, types, storage, attributes."""

from pathlib import Path

import h5py
import numpy as np
from h5py import h5d, h5p, h5s, h5t

from tests.classifier.hostile.hostile import KERNEL, Table

hostile = Table()

GROUP = "model_weights/scores"


def replace_kernel(path: Path, **options: object) -> None:
    """Store the genuine values of a weight in another way."""
    with h5py.File(path, "r+") as file:
        values = file[KERNEL][()]
        del file[KERNEL]
        options = {"data": values, **options}
        file.create_dataset(KERNEL, **options)


def replace_kernel_as(path: Path, created: h5p.PropDCID) -> None:
    """Store a weight with properties that h5py's own interface has no words for."""
    created.set_obj_track_times(False)
    with h5py.File(path, "r+") as file:
        del file[KERNEL]
        space = h5s.create_simple((4, 3))
        h5d.create(file.id, KERNEL.encode(), h5t.IEEE_F32LE, space, created)


# links


@hostile("kernel is a soft link")
def weight_behind_a_soft_link(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file.move(KERNEL, f"{GROUP}/kernel")
        file[KERNEL] = h5py.SoftLink(f"/{GROUP}/kernel")


@hostile("scores is a soft link")
def layer_behind_a_soft_link(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file.move(GROUP, "scores")
        file[GROUP] = h5py.SoftLink("/scores")


@hostile("nowhere is a soft link")
def soft_link_to_nothing(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file[f"{GROUP}/nowhere"] = h5py.SoftLink("/nowhere")


@hostile("links of a newer kind, as external ones are")
def weight_in_another_file(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        del file[KERNEL]
        file[KERNEL] = h5py.ExternalLink("/etc/hostname", "/kernel")


@hostile("links of a newer kind, as external ones are")
def path_through_another_file(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        del file[f"{GROUP}/scores"]
        file[f"{GROUP}/scores"] = h5py.ExternalLink("other.hdf5", "/")


@hostile("links of a newer kind, as external ones are")
def all_weights_in_another_file(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        del file["model_weights"]
        file["model_weights"] = h5py.ExternalLink("other.hdf5", "/model_weights")


@hostile("more than one link")
def group_within_itself(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file[f"{GROUP}/again"] = file[GROUP]


@hostile("more than one link")
def root_within_itself(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file[f"{GROUP}/root"] = file["/"]


@hostile("more than one link")
def weight_under_two_names(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file[f"{GROUP}/scores/twin"] = file[KERNEL]


# where and how a weight is stored


@hostile("external data files")
def weight_stored_in_another_file(path: Path) -> None:
    replace_kernel(path, data=None, shape=(4, 3), dtype="f4", external=[("/etc/passwd", 0, 48)])


@hostile("not in one piece")
def weight_computed_from_others(path: Path) -> None:
    space = h5s.create_simple((4, 3))
    created = h5p.create(h5p.DATASET_CREATE)
    created.set_virtual(space, b"/etc/hostname", b"kernel", space)
    replace_kernel_as(path, created)


@hostile("filter pipeline")
def compressed_weight(path: Path) -> None:
    replace_kernel(path, compression="gzip")


@hostile("filter pipeline")
def decompression_bomb(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        del file[KERNEL]
        bomb = file.create_dataset(
            KERNEL, (1 << 14, 1 << 14), "f4", chunks=(1 << 10, 1 << 14), compression="gzip"
        )
        bomb[: 1 << 10] = 0


@hostile("filter pipeline")
def shuffled_weight(path: Path) -> None:
    replace_kernel(path, shuffle=True)


@hostile("filter pipeline")
def weight_with_a_checksum_filter(path: Path) -> None:
    replace_kernel(path, fletcher32=True)


@hostile("filter pipeline")
def weight_scaled_by_a_filter(path: Path) -> None:
    replace_kernel(path, scaleoffset=2)


@hostile("filter pipeline")
def filter_that_a_plugin_would_do(path: Path) -> None:
    created = h5p.create(h5p.DATASET_CREATE)
    created.set_chunk((4, 3))
    created.set_filter(32_015, h5py.h5z.FLAG_OPTIONAL, (3,))
    replace_kernel_as(path, created)


@hostile("not in one piece")
def chunked_weight(path: Path) -> None:
    replace_kernel(path, chunks=(1, 3))


@hostile("not in one piece")
def weight_within_its_header(path: Path) -> None:
    created = h5p.create(h5p.DATASET_CREATE)
    created.set_layout(h5d.COMPACT)
    replace_kernel_as(path, created)


@hostile("4000000000 bytes, of which 0 are stored")
def shape_bomb(path: Path) -> None:
    replace_kernel(path, data=None, shape=(1_000_000, 1_000), dtype="f4")


@hostile("fill value")
def fill_value_bomb(path: Path) -> None:
    replace_kernel(
        path, data=None, shape=(1 << 20, 1 << 10), dtype="f4", chunks=(1, 1 << 10), fillvalue=1.0
    )


@hostile("fill value")
def weight_with_a_fill_value(path: Path) -> None:
    replace_kernel(path, fillvalue=7.0)


@hostile("empty or may grow")
def empty_weight(path: Path) -> None:
    replace_kernel(path, data=np.zeros((0, 3), "f4"))


@hostile("a shape of a kind")
def weight_without_a_shape(path: Path) -> None:
    replace_kernel(path, data=h5py.Empty("f4"))


@hostile("a shape of a kind")
def weight_of_many_axes(path: Path) -> None:
    replace_kernel(path, data=np.zeros((1,) * 30, "f4"))


@hostile("share bytes")
def two_weights_in_the_same_bytes(path: Path) -> None:
    with h5py.File(path) as file:
        one = file["model_weights/norm/norm/gamma"].id.get_offset()
        other = file["model_weights/norm/norm/beta"].id.get_offset()
    raw = path.read_bytes()
    assert raw.count(other.to_bytes(8, "little")) == 1
    path.write_bytes(raw.replace(other.to_bytes(8, "little"), one.to_bytes(8, "little")))


@hostile("modification time")
def weight_with_a_time(path: Path) -> None:
    replace_kernel(path, track_times=True)


# types


@hostile("type of numbers")
def weight_of_records(path: Path) -> None:
    replace_kernel(path, data=np.zeros((4, 3), [("a", "f4"), ("b", "i4")]))


@hostile("type of numbers")
def weight_of_opaque_bytes(path: Path) -> None:
    replace_kernel(path, data=np.zeros((4, 3), "V4"))


@hostile("type of numbers")
def weight_of_choices(path: Path) -> None:
    replace_kernel(path, data=np.zeros((4, 3), bool))


@hostile("type of numbers")
def weight_of_complex_numbers(path: Path) -> None:
    replace_kernel(path, data=np.zeros((4, 3), "c8"))


@hostile("type of numbers")
def weight_of_texts(path: Path) -> None:
    replace_kernel(path, data=np.full((4, 3), "a", object), dtype=h5py.string_dtype())


@hostile("type of numbers")
def weight_of_lists(path: Path) -> None:
    replace_kernel(path, data=None, shape=(4, 3), dtype=h5py.vlen_dtype(np.float32))


@hostile("type of numbers")
def weight_of_arrays(path: Path) -> None:
    replace_kernel(path, data=None, shape=(4,), dtype=np.dtype(("f4", (3,))))


@hostile("type of numbers")
def weight_of_references(path: Path) -> None:
    replace_kernel(path, data=None, shape=(4, 3), dtype=h5py.ref_dtype)


@hostile("type of numbers")
def weight_of_references_to_regions(path: Path) -> None:
    replace_kernel(path, data=None, shape=(4, 3), dtype=h5py.regionref_dtype)


@hostile("type of numbers")
def weight_of_the_other_byte_order(path: Path) -> None:
    replace_kernel(path, dtype=">f4")


@hostile("type of numbers")
def weight_of_long_doubles(path: Path) -> None:
    replace_kernel(path, dtype=np.longdouble)


@hostile("object header of a kind")
def weight_of_a_stored_type(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file["kind"] = np.dtype("f4")
        values = file[KERNEL][()]
        del file[KERNEL]
        file.create_dataset(KERNEL, data=values, dtype=file["kind"])
        del file["kind"]


@hostile("neither a group nor a weight")
def stored_type(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file[f"{GROUP}/kind"] = np.dtype("f4")


# objects and attributes that Keras does not write


@hostile("/evil is a group")
def another_group(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file.create_group("evil")


@hostile("/evil is no group")
def another_dataset(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file["evil"] = np.arange(3)


@hostile("does not list 'evil'")
def layer_that_is_not_listed(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file.create_group("model_weights/evil").attrs["weight_names"] = []


@hostile("does not list 'evil'")
def weight_that_is_not_listed(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file[f"{GROUP}/evil"] = np.arange(3.0)


@hostile("weights of no layer")
def weights_of_no_layer(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        group = file["model_weights/top_level_model_weights"]
        group["evil"] = np.arange(3.0)
        group.attrs["weight_names"] = ["evil"]


@hostile("groups deep")
def groups_within_groups(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file[f"{GROUP}/" + "a/" * 200 + "b"] = np.arange(3.0)


@hostile("more than 20000 objects")
def a_hundred_thousand_objects(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        for number in range(100_000):
            file[f"{GROUP}/{number}"] = h5py.SoftLink("/")


@hostile("an object called")
def name_of_ten_thousand_letters(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file.create_group(f"{GROUP}/{'a' * 10_000}")


@hostile(r"an object called b'\\x1b\[31m\\n")
def name_for_a_terminal(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file.create_group(f"{GROUP}/\x1b[31m\nharmless")


@hostile("links of a newer kind")
def group_of_a_newer_kind(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file.create_group(f"{GROUP}/new", track_order=True)


@hostile("has an attribute 'evil'")
def another_attribute(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file.attrs["evil"] = "text"


@hostile("'evil'")
def another_attribute_of_a_layer(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file[GROUP].attrs["evil"] = "text"


@hostile(r"header message \(attribute\)")
def attribute_of_a_weight(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file[KERNEL].attrs["evil"] = "text"


@hostile("more than 64 attributes")
def a_thousand_attributes(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        for number in range(1_000):
            file[GROUP].attrs[f"{number}"] = number


@hostile("model_config of / is not text")
def configuration_by_reference(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = file[GROUP].ref


@hostile("is a list, not a text")
def configuration_in_a_list(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = [file.attrs["model_config"]]


@hostile("other characters than ASCII")
def configuration_that_is_not_ascii(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = b"\xff\xfe" + file.attrs["model_config"].encode()


@hostile("no attribute model_config")
def no_configuration(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        del file.attrs["model_config"]


@hostile("written by Keras '2.15.0'")
def file_of_keras_2(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file.attrs["keras_version"] = "2.15.0"


@hostile("no group model_weights")
def no_weights(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        del file["model_weights"]


@hostile("not text")
def names_that_are_numbers(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file[GROUP].attrs["weight_names"] = [1.0, 2.0]


@hostile("not layer_names alone")
def no_list_of_layers(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        del file["model_weights"].attrs["layer_names"]


@hostile("60000 entries, more than 10000")
def too_many_names(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file[GROUP].attrs["weight_names"] = np.full(60_000, b"a")


@hostile("does not list 'scores/kernel'")
def name_that_climbs(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file[GROUP].attrs["weight_names"] = ["scores/scores/../kernel", "scores/bias"]


@hostile("one is there twice")
def name_listed_twice(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file[GROUP].attrs["weight_names"] = ["scores/kernel", "scores/kernel"]


# the file as a whole


@hostile("not an HDF5 file")
def user_block(path: Path) -> None:
    with h5py.File(path) as old, h5py.File(f"{path}.new", "w", userblock_size=512) as new:
        for name in old:
            old.copy(name, new)
        for name, value in old.attrs.items():
            new.attrs[name] = value
    Path(f"{path}.new").replace(path)


@hostile("superblock")
def newer_version_of_the_format(path: Path) -> None:
    with h5py.File(path) as old, h5py.File(f"{path}.new", "w", libver="latest") as new:
        for name in old:
            old.copy(name, new)
        for name, value in old.attrs.items():
            new.attrs[name] = value
    Path(f"{path}.new").replace(path)


@hostile("bytes follow its end")
def archive_at_the_end(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"PK\x05\x06" + bytes(18))


@hostile("truncated")
def half_a_file(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@hostile("truncated")
def first_bytes_of_a_file(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:40])


@hostile("not an HDF5 file")
def pickle_under_the_name_of_a_model(path: Path) -> None:
    path.write_bytes(b"\x80\x04\x95\x1a\x00\x00\x00\x00\x00\x00\x00\x8c\x02os\x8c\x06system\x93.")


@hostile("not an HDF5 file")
def nothing(path: Path) -> None:
    path.write_bytes(b"")


@hostile("more than 1073741824")
def file_of_a_terabyte(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(1 << 40)  # sparse
