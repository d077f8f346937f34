"""Damaging images as cameras, networks and people do, at five levels. Pure, and seeded.

The first nine and their levels are those of Hendrycks and Dietterich (2019), "Benchmarking neural
network robustness to common corruptions and perturbations" (arXiv:1903.12261), as they were given
for ImageNet-C. Its images are 224 pixels wide and ours 128, so radii in pixels are scaled.

Rotation and shift are not in that set: their highest levels are about the limits within which
Engstrom et al. (2019) attack, 30 degrees and a tenth of the width (arXiv:1712.02779), and the
others lead there in equal steps, as do those of occlusion to the square of half the width that
DeVries and Taylor (2017) cut out of CIFAR-10's images (arXiv:1708.04552).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from images.raw import SHAPE, Images

LEVELS = (1, 2, 3, 4, 5)
SEED = 20_030_104
SIDE = SHAPE[0]
SCALE = SIDE / 224  # pixels of ours for one of ImageNet-C's
GREY = 127
TAIL = 2.7  # standard deviations of a motion's trail, as in ImageNet-C at its highest level

Random = np.random.Generator
Change = Callable[[Images, float, Random], npt.NDArray[np.generic]]


@dataclass(frozen=True)
class Corruption:
    """One way of damaging images.

    Attributes:
        amounts: how much at each of :data:`LEVELS`, in the unit of ``change``.
        change: takes images, an amount and random numbers; its answer is rounded and cut to uint8.
    """

    amounts: tuple[float, float, float, float, float]
    change: Change


def corrupt(images: Images, name: str, level: int) -> Images:
    """Damage images; the same ones always in the same way.

    Args:
        images: uint8[N, 128, 128, 3], which stay as they are.
        name: one of :data:`CORRUPTIONS`.
        level: one of :data:`LEVELS`.

    Returns:
        uint8[N, 128, 128, 3].
    """
    corruption = CORRUPTIONS[name]
    rng = np.random.default_rng([SEED, level, *name.encode()])
    changed = corruption.change(images, corruption.amounts[level - 1], rng)
    return np.clip(np.rint(changed), 0, 255).astype(np.uint8)


def gaussian_noise(images: Images, amount: float, rng: Random) -> npt.NDArray[np.float32]:
    """Noise of a standard deviation of ``amount`` of the range, as in dim light."""
    noise = rng.standard_normal(images.shape, np.float32)
    return images + np.float32(255 * amount) * noise


def shot_noise(images: Images, amount: float, rng: Random) -> npt.NDArray[np.floating]:
    """Light that arrives as single quanta: ``amount`` of them make white."""
    return rng.poisson(images * (amount / 255)) * (255 / amount)


def impulse_noise(images: Images, amount: float, rng: Random) -> Images:
    """Black or white in place of an ``amount`` of the values, as from faulty bits."""
    drawn = rng.random(images.shape, np.float32)
    noisy = np.where(drawn < amount, np.uint8(0), images)
    return np.where(drawn < amount / 2, np.uint8(255), noisy)


def defocus_blur(images: Images, amount: float, rng: Random) -> Images:
    """Every point spread over a disk of ``amount`` pixels' radius in an image of 224."""
    radius = amount * SCALE
    reach = int(np.ceil(radius))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disk = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1)  # a pixel on the edge counts in part
    return _each(images, lambda image: _filtered(image, disk))


def motion_blur(images: Images, amount: float, rng: Random) -> Images:
    """A trail in a direction within 45 degrees of level, its weights half a Gaussian.

    ``amount`` is the standard deviation in pixels of an image of 224.
    """
    angles = iter(rng.uniform(-np.pi / 4, np.pi / 4, len(images)))
    return _each(images, lambda image: _filtered(image, _trail(amount * SCALE, next(angles))))


def brightness(images: Images, amount: float, rng: Random) -> Images:
    """``amount`` of the range added to the value of hue, saturation and value."""
    return _each(images, lambda image: _brighter(image, amount))


def contrast(images: Images, amount: float, rng: Random) -> npt.NDArray[np.float64]:
    """An ``amount`` of each channel's distance to its mean over the image."""
    means: npt.NDArray[np.float64] = images.mean(axis=(1, 2), keepdims=True)
    return (images - means) * amount + means


def jpeg(images: Images, amount: float, rng: Random) -> Images:
    """Compressed with quality ``amount``, and decoded."""
    return _each(images, lambda image: _compressed(image, int(amount)))


def pixelation(images: Images, amount: float, rng: Random) -> Images:
    """Shrunk to an ``amount`` of the width and enlarged again."""
    small = (round(amount * SIDE),) * 2
    return _each(images, lambda image: _resized(_resized(image, small), (SIDE, SIDE)))


def rotation(images: Images, amount: float, rng: Random) -> Images:
    """Turned by ``amount`` degrees to one side or the other, edges continued."""
    turns = iter(rng.choice([-amount, amount], len(images)))
    centre = ((SIDE - 1) / 2,) * 2
    return _each(
        images, lambda image: _warped(image, cv2.getRotationMatrix2D(centre, next(turns), 1))
    )


def shift(images: Images, amount: float, rng: Random) -> Images:
    """Moved by ``amount`` of the width, up or down as well as left or right, edges continued."""
    moves = iter(rng.choice([-amount, amount], (len(images), 2)) * SIDE)
    return _each(images, lambda image: _warped(image, np.hstack([np.eye(2), next(moves)[:, None]])))


def occlusion(images: Images, amount: float, rng: Random) -> Images:
    """A grey square of ``amount`` of the width, anywhere within the image."""
    covered, side = images.copy(), round(amount * SIDE)
    corners = rng.integers(0, SIDE - side, (len(images), 2), endpoint=True)
    for image, (top, left) in zip(covered, corners, strict=True):
        image[top : top + side, left : left + side] = GREY
    return covered


CORRUPTIONS = {
    "gaussian noise": Corruption((0.08, 0.12, 0.18, 0.26, 0.38), gaussian_noise),
    "shot noise": Corruption((60, 25, 12, 5, 3), shot_noise),
    "impulse noise": Corruption((0.03, 0.06, 0.09, 0.17, 0.27), impulse_noise),
    "defocus blur": Corruption((3, 4, 6, 8, 10), defocus_blur),
    "motion blur": Corruption((3, 5, 8, 12, 15), motion_blur),
    "brightness": Corruption((0.1, 0.2, 0.3, 0.4, 0.5), brightness),
    "contrast": Corruption((0.4, 0.3, 0.2, 0.1, 0.05), contrast),
    "jpeg": Corruption((25, 18, 15, 10, 7), jpeg),
    "pixelation": Corruption((0.6, 0.5, 0.4, 0.3, 0.25), pixelation),
    "rotation": Corruption((6, 12, 18, 24, 30), rotation),
    "shift": Corruption((0.02, 0.04, 0.06, 0.08, 0.1), shift),
    "occlusion": Corruption((0.1, 0.2, 0.3, 0.4, 0.5), occlusion),
}


def _each(images: Images, change: Callable[[Images], Images]) -> Images:
    changed = np.empty_like(images)
    for index, image in enumerate(images):
        changed[index] = change(image)
    return changed


def _filtered(image: Images, kernel: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    filtered = cv2.filter2D(image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT_101)
    return np.asarray(filtered, np.uint8)


def _trail(deviation: float, angle: float) -> npt.NDArray[np.float64]:
    reach = int(np.ceil(TAIL * deviation))
    kernel = np.zeros((2 * reach + 1,) * 2)
    for step in range(reach + 1):
        y, x = round(step * np.sin(angle)), round(step * np.cos(angle))
        kernel[reach + y, reach + x] += np.exp(-((step / deviation) ** 2) / 2)
    return kernel


def _brighter(image: Images, amount: float) -> npt.NDArray[np.uint8]:
    hsv = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2HSV)
    hsv[..., 2] = np.minimum(hsv[..., 2] + amount, 1)
    return np.rint(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB) * 255).astype(np.uint8)


def _compressed(image: Images, quality: int) -> npt.NDArray[np.uint8]:
    _, encoded = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)[..., ::-1]


def _resized(image: Images, size: Sequence[int]) -> npt.NDArray[np.uint8]:
    # Averages over boxes where it shrinks, and repeats pixels where it enlarges, as PIL's BOX.
    enlarges = size[0] > len(image)
    how = cv2.INTER_NEAREST if enlarges else cv2.INTER_AREA
    return np.asarray(cv2.resize(image, size, interpolation=how), np.uint8)


def _warped(image: Images, matrix: cv2.typing.MatLike) -> npt.NDArray[np.uint8]:
    size = (SIDE, SIDE)
    return np.asarray(
        cv2.warpAffine(image, matrix, size, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )
