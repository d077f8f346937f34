"""Data sets in folders: one sub-folder per class, named after it."""

import logging
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from images.dataset import Dataset, Skipped
from images.decode import SHAPE, Images, decode
from images.errors import EmptyClass, NoImages, UnreadableImage

log = logging.getLogger(__name__)

# What desktops and archivers leave in folders, besides names that begin with a dot.
LITTER = {"thumbs.db", "desktop.ini", "__macosx"}
PROGRESS = 5000


def read(folder: Path) -> Dataset:
    """Read a folder of images, those of each class anywhere in the sub-folder of its name.

    A file that cannot be read is logged by name and skipped.

    Returns:
        The data set: classes by name, and the images of each by path.

    Raises:
        NoImages: the folder cannot be read, or has fewer than two sub-folders.
        EmptyClass: a sub-folder has no readable image in it.
    """
    classes = _classes(folder)
    if len(classes) < 2:
        raise NoImages(
            f"{folder} has {len(classes)} sub-folders with images, and two are the least: "
            "put the images of each class into a sub-folder of its own"
        )
    files = [(label, file) for label, path in enumerate(classes) for file in _files(path)]
    dataset = _decode_all(folder, tuple(_text(Path(path.name)) for path in classes), files)
    _refuse_empty(dataset)
    return dataset


def _decode_all(
    folder: Path, classes: tuple[str, ...], files: Sequence[tuple[int, Path]]
) -> Dataset:
    images = np.empty((len(files), *SHAPE), np.uint8)
    labels: list[int] = []
    names: list[str] = []
    skipped: list[Skipped] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(_decoded, (file for _, file in files))
        for count, ((label, file), result) in enumerate(zip(files, results, strict=True), 1):
            name = _text(file.relative_to(folder))
            if isinstance(result, str):
                log.warning("skipped %s: %s", name, result)
                skipped.append(Skipped(name, result))
            else:
                images[len(names)] = result
                labels.append(label)
                names.append(name)
            if count % PROGRESS == 0:
                log.info("read %d of %d images", count, len(files))
    return Dataset(
        source=_text(folder),
        images=images[: len(names)],
        labels=np.array(labels, np.int64),
        classes=classes,
        names=tuple(names),
        skipped=tuple(skipped),
    )


def _classes(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir() and not _litter(path.name))
    except FileNotFoundError:
        raise NoImages(f"{folder} does not exist: name a folder of images, or `digits`") from None
    except NotADirectoryError:
        raise NoImages(f"{folder} is a file: name the folder that has the classes in it") from None
    except OSError as error:
        raise NoImages(f"{folder} cannot be read: {error.strerror}") from None


def _files(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not _litter(name))
        yield from (Path(parent, name) for name in sorted(names) if not _litter(name))


def _litter(name: str) -> bool:
    return name.startswith(".") or name.lower() in LITTER


def _decoded(file: Path) -> Images | str:
    try:
        return decode(file.read_bytes())
    except OSError as error:
        return error.strerror or str(error)
    except UnreadableImage as error:
        return str(error)


def _refuse_empty(dataset: Dataset) -> None:
    empty = [name for name, count in dataset.per_class().items() if not count]
    if empty:
        raise EmptyClass(f"{dataset.source}: no readable image in {', '.join(empty)}")


def _text(path: Path) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")
