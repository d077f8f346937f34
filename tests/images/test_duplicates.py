"""Copies of a picture are recognised, and pictures that only look alike are not."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__
from sklearn.datasets import load_sample_image

from images import digits
from images.decode import decode, resize
from images.duplicates import groups
from images.raw import Images
from tests.images.files import Pixels, encoded, noise

Copy = Callable[[Pixels], Pixels]


def photographs(count: int, seed: int = 0) -> list[Pixels]:
    """Cuts of random size out of scikit-learn's two photographs."""
    generator = np.random.default_rng(seed)
    whole = [load_sample_image(name) for name in ("china.jpg", "flower.jpg")]
    cuts = []
    for index in range(count):
        photograph = whole[index % 2]
        size = int(generator.integers(140, 400))
        y, x = (int(generator.integers(side - size + 1)) for side in photograph.shape[:2])
        cuts.append(np.ascontiguousarray(photograph[y : y + size, x : x + size]))
    return cuts


def textures(count: int, seed: int = 0) -> list[Pixels]:
    """Coloured noise whose amplitude falls with frequency, as it does in natural images."""
    generator = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(256)[:, None], np.fft.rfftfreq(256))
    frequency[0, 0] = 1
    made = []
    for _ in range(count):
        spectrum = np.fft.rfft2(generator.normal(size=(3, 256, 256)))
        waves = np.fft.irfft2(spectrum / frequency ** generator.uniform(0.8, 1.6), s=(256, 256))
        levels = 128 + generator.uniform(25, 60) * waves / waves.std()
        made.append(levels.transpose(1, 2, 0).clip(0, 255).astype(np.uint8))
    return made


def saved(form: str, quality: int) -> Copy:
    return lambda image: decode(encoded(image, form, quality=quality))


def halved_and_back(image: Pixels) -> Pixels:
    height, width = image.shape[:2]
    half = cv2.resize(image, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(half, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def lighter(factor: float) -> Copy:
    return lambda image: np.asarray(cv2.convertScaleAbs(image, alpha=factor), np.uint8)


COPIES: dict[str, Copy] = {
    **{f"JPEG {quality}": saved("JPEG", quality) for quality in (30, 50, 75, 95)},
    **{f"WebP {quality}": saved("WEBP", quality) for quality in (30, 80)},
    "half and back": halved_and_back,
    "lighter": lighter(1.1),
    "darker": lighter(0.9),
    "all of them": lambda image: saved("JPEG", 30)(halved_and_back(lighter(1.1)(image))),
}


def stacked(images: Iterable[Pixels]) -> Images:
    return np.stack([resize(image) for image in images])


def mostly_burnt_out(image: Pixels) -> bool:
    """Whether little is left of it that a lighter copy shows: a cut of nothing but bright sky."""
    return float((image.max(axis=2) > 255 / 1.1).mean()) > 0.6


@pytest.fixture(scope="module")
def originals() -> list[Pixels]:
    return [*photographs(50), *textures(20)]


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_is_of_its_originals_group_and_no_other(name: str, originals: list[Pixels]) -> None:
    if name in ("lighter", "all of them"):
        originals = [image for image in originals if not mostly_burnt_out(image)]
    copies = [COPIES[name](image) for image in originals]
    group = groups(stacked([*originals, *copies]))
    assert group.tolist() == [*range(len(originals))] * 2


def test_no_two_digits_are_copies() -> None:
    images = digits.load().images
    assert len(np.unique(groups(images))) == len(images)


def test_a_digit_is_the_copy_of_itself_alone() -> None:
    images = digits.load().images[:300]
    copies = stacked(saved("JPEG", 30)(image) for image in images)
    group = groups(np.concatenate([images, copies]))
    assert group.tolist() == [*range(len(images))] * 2


def test_flat_images_are_no_copies() -> None:
    colours = [np.full((128, 128, 3), colour, np.uint8) for colour in (0, 1, 90, 91, 255)]
    sunsets = [
        np.repeat(np.linspace(low, low + 20, 128), 384).reshape(128, 128, 3).astype(np.uint8)
        for low in (100, 104)
    ]
    assert groups(np.stack([*colours, *sunsets])).tolist() == [*range(7)]


def test_one_form_that_is_filled_in_differently_is_two_images() -> None:
    form = resize(textures(1)[0])
    other = form.copy()
    other[32:48, 32:48] = cv2.add(other[32:48, 32:48], np.full((16, 16, 3), 50, np.uint8))
    first, second = form.astype(float), other.astype(float)
    assert np.corrcoef(first.ravel(), second.ravel())[0, 1] > 0.99
    assert groups(stacked([form, other])).tolist() == [0, 1]


def test_the_same_shape_in_another_colour_is_another_image() -> None:
    images = np.zeros((3, 128, 128, 3), np.uint8)
    for image, colour in zip(images, ((200, 0, 0), (0, 200, 0), (120, 80, 0)), strict=True):
        image[40:90, 30:100] = colour
    assert groups(images).tolist() == [0, 1, 2]


def test_the_negative_and_the_mirror_image_are_other_images() -> None:
    image = textures(1)[0]
    assert groups(stacked([image, 255 - image, image[:, ::-1]])).tolist() == [0, 1, 2]


@pytest.mark.parametrize(("factor", "count"), [(0.8, 1), (0.6, 2)])
def test_a_picture_of_much_less_contrast_is_another_image(factor: float, count: int) -> None:
    for picture in originals_of_contrast():
        faint = np.rint(128 + factor * (picture.astype(float) - 128)).astype(np.uint8)
        for pair in ([picture, faint], [faint, picture]):
            assert len(set(groups(pair).tolist())) == count


def originals_of_contrast() -> list[Pixels]:
    """Pictures whose mean is a medium grey, so that contrast alone tells them from fainter ones."""
    cells = np.random.default_rng(0).integers(0, 2, (2, 4, 4, 3), np.uint8) * np.uint8(120) + 68
    balanced = np.concatenate([cells, 256 - cells.astype(int)], axis=1).astype(np.uint8)
    return list(np.kron(balanced, np.ones((1, 16, 32, 1), np.uint8)))


def test_copies_of_copies_are_of_one_group() -> None:
    """What is like something that is like a third goes with both, though these two may differ."""
    image = resize(textures(1)[0])
    steps = [np.roll(image, shift, axis=1) for shift in range(16)]
    assert groups(np.stack([steps[0], steps[-1]])).tolist() == [0, 1]
    assert len(set(groups(np.stack(steps)).tolist())) == 1


def test_the_groups_do_not_depend_on_the_order(originals: list[Pixels]) -> None:
    images = stacked([*originals[:20], *(saved("JPEG", 40)(image) for image in originals[:20])])
    order = np.random.default_rng(0).permutation(len(images))
    group = groups(images[order])
    for one, other in zip(np.argsort(order)[:20], np.argsort(order)[20:], strict=True):
        assert group[one] == group[other]
    assert len(set(group.tolist())) == 20


def test_many_are_compared_with_each_other() -> None:
    """More than are compared at a time, and more pairs than are looked at at a time."""
    image = noise(16, 16)
    copies = np.repeat(resize(image)[None], 600, axis=0)
    copies[np.arange(600), np.arange(600) % 128, 5] = 7
    others = stacked(noise(16, 16, seed=seed) for seed in range(1, 301))
    group = groups(np.concatenate([others, copies]))
    assert len(set(group[:300].tolist())) == 300
    assert set(group[300:].tolist()) == {group.max()}


def groups_at_the_limits() -> list[int]:
    """Of images more and more unlike their originals, among them pairs just within every limit."""
    images = [resize(image) for image in (*photographs(15), *textures(10))]
    changed = [
        cv2.convertScaleAbs(np.roll(image, step // 3, axis=1), alpha=1 - step / 40)
        for image in images
        for step in range(12)
    ]
    return groups(np.stack(changed).astype(np.uint8)).tolist()


def test_another_processor_finds_the_same_groups() -> None:
    """Training and gate must agree on every pair, wherever they run."""
    numpys = [name for name in __cpu_dispatch__ if __cpu_features__[name]]
    limited = {
        "OPENCV_CPU_DISABLE": "AVX512-SKX,AVX2,AVX,FP16,SSE4.2,SSE4.1",
        "NPY_DISABLE_CPU_FEATURES": " ".join(numpys),
        "OPENBLAS_CORETYPE": "Prescott",
    }
    other = subprocess.run(
        [sys.executable, "-c", f"from {__name__} import *; print(groups_at_the_limits())"],
        env=os.environ | limited,
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        check=True,
    )
    here = groups_at_the_limits()
    assert other.stdout.decode().strip() == str(here)
    assert 25 < len(set(here)) < 25 * 12


@pytest.mark.parametrize("count", [0, 1])
def test_few_images_are_groups_too(count: int) -> None:
    assert groups(np.zeros((count, 128, 128, 3), np.uint8)).tolist() == [*range(count)]
