"""Data sets in folders: one sub-folder per class, named after it."""

import logging
import os
import stat
from collections.abc import Container, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from images.dataset import Dataset, Skipped
from images.decode import decode
from images.errors import EmptyClass, NoImages, UnreadableImage
from images.raw import SHAPE, Images

log = logging.getLogger(__name__)

# What desktops and archivers leave in folders, besides names that begin with a dot.
LITTER = {"thumbs.db", "desktop.ini", "__macosx"}
# Above the largest BMP file that is decoded: a video among the images is not worth reading.
MAX_BYTES = 1 << 29
PROGRESS = 5000


def read(folder: Path) -> Dataset:
    """Read a folder of images, those of each class anywhere below the sub-folder of its name.

    Files that cannot be read are logged by name and skipped.

    Returns:
        The data set: classes by name, and the images of each by path.

    Raises:
        NoImages: the folder cannot be read, or has fewer than two sub-folders.
        EmptyClass: a sub-folder has no readable image in it.
    """
    folders = _class_folders(folder)
    classes = tuple(_text(Path(path.name)) for path in folders)
    files = [(label, file) for label, path in enumerate(folders) for file in walk(path)]
    _refuse_empty(folder, classes, {label for label, _ in files})
    dataset = _decode_all(folder, classes, files)
    _refuse_empty(folder, classes, set(dataset.labels.tolist()))
    return dataset


def _decode_all(
    folder: Path, classes: tuple[str, ...], files: Sequence[tuple[int, Path]]
) -> Dataset:
    images = np.empty((len(files), *SHAPE), np.uint8)
    kept: list[tuple[int, str]] = []
    skipped: list[Skipped] = []
    for (label, file), result in zip(files, _results([file for _, file in files]), strict=True):
        name = _text(file.relative_to(folder))
        if isinstance(result, str):
            log.warning("skipped %s: %s", name, result)
            skipped.append(Skipped(name, result))
        else:
            images[len(kept)] = result
            kept.append((label, name))
    return Dataset(
        source=_text(folder),
        images=images[: len(kept)],
        labels=np.array([label for label, _ in kept], np.int64),
        classes=classes,
        names=tuple(name for _, name in kept),
        skipped=tuple(skipped),
    )


def _results(files: Sequence[Path]) -> Iterator[Images | str]:
    """Each file's pixels or why there are none, in order, decoded on every core."""
    pool = ThreadPoolExecutor(os.cpu_count())
    try:
        for count, result in enumerate(pool.map(_decoded, files), 1):
            yield result
            if count % PROGRESS == 0:
                log.info("read %d of %d images", count, len(files))
    finally:
        pool.shutdown(cancel_futures=True)  # so that an interrupt need not wait for the rest


def _class_folders(folder: Path) -> list[Path]:
    try:
        found = sorted(
            path for path in folder.iterdir() if path.is_dir() and not is_litter(path.name)
        )
    except FileNotFoundError:
        raise NoImages(f"{folder} does not exist: name a folder of images, or `digits`") from None
    except NotADirectoryError:
        raise NoImages(f"{folder} is a file: name the folder that the classes are in") from None
    except OSError as error:
        raise NoImages(f"{folder} cannot be read: {error.strerror}") from None
    if len(found) < 2:
        raise NoImages(
            f"{folder} has {len(found)} sub-folders, and two classes are the least: "
            "put the images of each class into a sub-folder that is named after it"
        )
    return found


def walk(folder: Path) -> Iterator[Path]:
    """Every file below a folder, in order; links are followed, but to no folder twice.

    A sub-folder that cannot be listed is given like a file: reading it will say why.
    """
    unreadable: list[Path] = []
    seen = {folder.resolve()}
    for parent, subfolders, names in os.walk(
        folder, onerror=lambda error: unreadable.append(Path(error.filename)), followlinks=True
    ):
        subfolders[:] = [name for name in sorted(subfolders) if not is_litter(name)]
        for name in tuple(subfolders):
            real = Path(parent, name).resolve()
            if real in seen:
                subfolders.remove(name)
            seen.add(real)
        yield from (Path(parent, name) for name in sorted(names) if not is_litter(name))
    yield from unreadable


def is_litter(name: str) -> bool:
    """Whether a file or folder of that name is none of the images."""
    return name.startswith(".") or name.lower() in LITTER


def _decoded(file: Path) -> Images | str:
    """The pixels, or why there are none."""
    try:
        return decode(content(file))
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    except UnreadableImage as error:
        return str(error)


def content(file: Path) -> bytes:
    """The bytes of a file, if they may be those of an image.

    Raises:
        UnreadableImage: it is no regular file, or larger than any image.
        OSError: it cannot be read.
    """
    status = file.stat()
    if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
        raise UnreadableImage("this is not a regular file")  # and reading a pipe would never end
    if status.st_size > MAX_BYTES:
        raise UnreadableImage(f"this file is larger than {MAX_BYTES:,} bytes")
    return file.read_bytes()


def _refuse_empty(folder: Path, classes: Sequence[str], labels: Container[int]) -> None:
    empty = [name for label, name in enumerate(classes) if label not in labels]
    if empty:
        raise EmptyClass(
            f"{folder} has no readable image for {', '.join(empty)}: add some, or remove the folder"
        )


def _text(path: Path) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")
