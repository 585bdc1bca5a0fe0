"""Errors that are faceprint's and also of the kind that programs written for face_recognition catch."""

from __future__ import annotations

from PIL import UnidentifiedImageError

from faceprint.errors import (
    EmbeddingError,
    ImageError,
    ImageFormatError,
    ImageNotFoundError,
    ImageTooLargeError,
    InputError,
)

__all__ = [
    "LargeImageError",
    "MissingPhotoError",
    "NoPhotoError",
    "UnknownFormatError",
    "UnreadablePhotoError",
    "WrongEncodingError",
    "WrongImageError",
    "WrongValueError",
]


class WrongValueError(InputError, ValueError):
    """An argument cannot be used."""


class WrongImageError(ImageError, ValueError):
    """An argument is no image."""


class LargeImageError(ImageTooLargeError, ValueError):
    """An image or a photo is over the limit of pixels."""


class WrongEncodingError(EmbeddingError, ValueError):
    """An argument is no encoding, or of another length."""


class MissingPhotoError(ImageNotFoundError, FileNotFoundError):
    """There is no such file or folder."""


class UnknownFormatError(ImageFormatError, UnidentifiedImageError):
    """A file is no photo; Pillow's error, which is an OSError."""


class UnreadablePhotoError(ImageError, OSError):
    """A photo cannot be read."""


class NoPhotoError(UnreadablePhotoError, ValueError):
    """Neither a path nor a file object was given."""
