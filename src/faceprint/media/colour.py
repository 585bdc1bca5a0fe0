"""Any decoded image to 8-bit sRGB: alpha, palettes, greys, 16 bits, CMYK and colour profiles."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage

from faceprint.errors import ImageError
from faceprint.types import Image

if TYPE_CHECKING:
    from PIL import ImageCms

__all__ = ["over_white", "shrink_to_bytes", "to_srgb"]

_PROFILE_MODES: Final = ("L", "RGB", "CMYK", "LAB")
_SAME_COLOUR: Final = 2
"""Largest difference per channel, of 255, at which a colour profile counts as sRGB already."""


def to_srgb(image: PillowImage.Image, *, name: str) -> PillowImage.Image:
    """A loaded image of any mode as mode RGB: profile applied, transparent parts on white.

    Raises:
        ImageError: A floating-point image holds NaN or infinity.
    """
    if image.mode == "RGB" and not image.info.keys() & {"icc_profile", "transparency"}:
        return image
    profile = image.info.get("icc_profile")
    if image.mode[0] in "IF":
        image = PillowImage.fromarray(shrink_to_bytes(np.asarray(image), name=name))
    alpha = image.convert("RGBA").getchannel("A") if image.has_transparency_data else None
    opaque = _without_alpha(image)
    transform = _transform_to_srgb(profile, opaque.mode) if isinstance(profile, bytes) else None
    rgb = opaque.convert("RGB") if transform is None else _apply(transform, opaque)
    return rgb if alpha is None else over_white(rgb, alpha)


def over_white(rgb: PillowImage.Image, alpha: PillowImage.Image) -> PillowImage.Image:
    """An RGB image seen through its alpha channel (mode L) on a white sheet."""
    if alpha.getextrema() == (255, 255):
        return rgb
    sheet = PillowImage.new("RGB", rgb.size, "white")
    sheet.paste(rgb, mask=alpha)
    return sheet


def shrink_to_bytes(values: npt.NDArray[np.generic], *, name: str) -> Image:
    """Deep samples (uint16, int32, float) as uint8 of the same shape.

    The full scale is that of the dtype for uint16. For others it is the smallest of 1 (floats
    only), 255 and 65,535 that holds the largest value, else that value; what is negative becomes 0.

    Raises:
        ImageError: A value is NaN or infinite.
    """
    if values.dtype == np.uint16:
        return ((values.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
    samples = values.astype(np.float64)
    if not np.isfinite(samples).all():
        raise ImageError(
            f"{name} holds pixels that are NaN or infinite. Replace them by numbers first."
        )
    peak = float(samples.max())
    scales = (1.0, 255.0, 65535.0) if values.dtype.kind == "f" else (255.0, 65535.0)
    full = next((scale for scale in scales if peak <= scale), peak)
    return np.rint(np.clip(samples / full, 0, 1) * 255).astype(np.uint8)


def _without_alpha(image: PillowImage.Image) -> PillowImage.Image:
    if image.mode in _PROFILE_MODES:
        return image
    if image.mode in ("1", "LA", "La"):
        return image.convert("LA" if image.mode == "La" else "L").convert("L")
    return (
        image.convert("RGBA").convert("RGB")
        if image.mode in ("P", "PA", "RGBa")
        else image.convert("RGB")
    )


def _apply(transform: ImageCms.ImageCmsTransform, image: PillowImage.Image) -> PillowImage.Image:
    out = PillowImage.new("RGB", image.size)
    transform.apply(image, out)
    return out


@lru_cache(maxsize=32)
def _transform_to_srgb(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """What turns colours of a profile to sRGB; None if they are already, or it is broken."""
    from PIL import ImageCms

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
        assert isinstance(transform, ImageCms.ImageCmsTransform)
        return None if _changes_nothing(transform, mode) else transform
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
        return None


def _changes_nothing(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    if mode not in ("L", "RGB"):
        return False
    steps = np.arange(0, 256, 15, dtype=np.uint8)
    cube = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(1, -1, 3)
    probe = PillowImage.fromarray(cube).convert(mode)
    before = np.asarray(probe.convert("RGB"), dtype=np.int16)
    after = np.asarray(_apply(transform, probe), dtype=np.int16)
    return bool(np.abs(after - before).max() <= _SAME_COLOUR)
