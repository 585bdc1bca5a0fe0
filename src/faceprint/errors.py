"""The error tree: everything that faceprint raises on purpose.

::

    FaceprintError
    ├── InputError                what the caller gave cannot be used
    │   ├── ImageError            unreadable, truncated, too large or of the wrong dtype or shape
    │   │   ├── ImageNotFoundError     no such file, or a folder without photos
    │   │   ├── ImageFormatError       not an image, or a format without a decoder
    │   │   └── ImageTooLargeError     over the limit of pixels or bytes
    │   ├── VideoError            a video is unreadable, empty, or has no pictures in it
    │   │   ├── VideoNotFoundError     no such file, camera or stream
    │   │   └── VideoFormatError       not a video, or a format without a decoder
    │   ├── FaceCountError        a photo must show one face and shows none or several
    │   ├── EmbeddingError        wrong length, not finite, or of another model
    │   ├── DatasetError          a prepared dataset is missing, unfinished or damaged
    │   └── LeakingSplitError     a person or a photo would be trained on and tested with
    ├── ModelError                a model cannot be had or run
    │   ├── UnknownModelError     no card of that name
    │   ├── WeightsMissingError   no verified weights on this machine
    │   ├── WeightsCorruptError   a digest that does not match
    │   ├── LicenceRefusedError   `commercial_only` forbids these weights
    │   ├── DeviceUnavailableError     the asked device or runtime is not there
    │   └── CalibrationError      no calibration, or one that cannot support the asked rate
    ├── GalleryError              the database of people refused
    │   ├── PersonNotFoundError   no such person, or several of that name
    │   ├── ConsentError          enrolment without a consent record, or with an expired one
    │   ├── GalleryVersionError   the database was written by a newer faceprint
    │   ├── GalleryUnavailableError    locked, read-only, full or unreachable storage
    │   └── GalleryCorruptError   a row, a picture or an archive that does not check out
    ├── FetchError                an address gave nothing that can be used
    ├── TrainingError             a training run cannot go on
    ├── OutputError               a result cannot be written: full disk, no permission
    └── MissingExtraError         an optional part is not installed

Each error carries a stable `code` for machines and a message for people that says what was expected,
what came, and what to do next.
"""

from typing import ClassVar

__all__ = [
    "CalibrationError",
    "ConsentError",
    "DatasetError",
    "DeviceUnavailableError",
    "EmbeddingError",
    "FaceCountError",
    "FaceprintError",
    "FetchError",
    "GalleryCorruptError",
    "GalleryError",
    "GalleryUnavailableError",
    "GalleryVersionError",
    "ImageError",
    "ImageFormatError",
    "ImageNotFoundError",
    "ImageTooLargeError",
    "InputError",
    "LeakingSplitError",
    "LicenceRefusedError",
    "MissingExtraError",
    "ModelError",
    "OutputError",
    "PersonNotFoundError",
    "TrainingError",
    "UnknownModelError",
    "VideoError",
    "VideoFormatError",
    "VideoNotFoundError",
    "WeightsCorruptError",
    "WeightsMissingError",
]


class FaceprintError(Exception):
    """Root of all errors that faceprint raises on purpose."""

    code: ClassVar[str] = "error"


class InputError(FaceprintError):
    """What the caller gave cannot be used."""

    code = "bad_input"


class ImageError(InputError):
    """An image is unreadable, truncated, or of the wrong dtype or shape."""

    code = "bad_image"


class ImageNotFoundError(ImageError):
    """There is no such file, or a folder holds no photos."""

    code = "not_found"


class ImageFormatError(ImageError):
    """The bytes are not an image, or of a format that has no decoder here."""

    code = "not_an_image"


class ImageTooLargeError(ImageError):
    """An image is over the limit of pixels or bytes."""

    code = "too_large"


class VideoError(InputError):
    """A video is unreadable, of no length, or has no pictures in it."""

    code = "bad_video"


class VideoNotFoundError(VideoError):
    """There is no such file, camera or stream."""

    code = "video_not_found"


class VideoFormatError(VideoError):
    """The bytes are not a video, or of a format that has no decoder here."""

    code = "not_a_video"


class FaceCountError(InputError):
    """A photo must show exactly one face and shows none or several.

    Attributes:
        found: How many faces were found.
    """

    code = "face_count"

    def __init__(self, message: str, *, found: int) -> None:
        super().__init__(message)
        self.found = found


class EmbeddingError(InputError):
    """An embedding has the wrong length, is not finite, or comes from another model."""

    code = "bad_embedding"


class DatasetError(InputError):
    """A prepared dataset is missing, unfinished, or damaged."""

    code = "bad_dataset"


class LeakingSplitError(InputError):
    """The same person, or copies of one photo, stand in two parts of a split."""

    code = "leaking_split"


class ModelError(FaceprintError):
    """A model cannot be had or run."""

    code = "model"


class UnknownModelError(ModelError):
    """No model card has that name."""

    code = "unknown_model"


class WeightsMissingError(ModelError):
    """No verified weights for a model are on this machine."""

    code = "weights_missing"


class WeightsCorruptError(ModelError):
    """A weight file does not have the digest that its card names."""

    code = "weights_corrupt"


class LicenceRefusedError(ModelError):
    """The `commercial_only` setting forbids these weights."""

    code = "licence_refused"


class DeviceUnavailableError(ModelError):
    """The device or runtime that was asked for is not on this machine."""

    code = "device_unavailable"


class CalibrationError(ModelError):
    """There is no calibration for a model, or it cannot support the rate that was asked."""

    code = "calibration"


class GalleryError(FaceprintError):
    """The database of people refused."""

    code = "gallery"


class PersonNotFoundError(GalleryError):
    """No person has that id or name, or several have that name."""

    code = "person_not_found"


class ConsentError(GalleryError):
    """Enrolment came without a consent record, or with one that has expired."""

    code = "consent"


class GalleryVersionError(GalleryError):
    """The database was written by a newer faceprint."""

    code = "gallery_version"


class GalleryUnavailableError(GalleryError):
    """The storage of the gallery is locked, read-only, full or unreachable."""

    code = "gallery_unavailable"


class GalleryCorruptError(GalleryError):
    """A row, a picture or an archive of the gallery does not check out."""

    code = "gallery_corrupt"


class FetchError(FaceprintError):
    """An address gave nothing that can be used."""

    code = "fetch"


class OutputError(FaceprintError):
    """A result cannot be written: the disk is full, or writing is not allowed."""

    code = "output"


class TrainingError(FaceprintError):
    """A training run cannot go on: its loss is no number, or its folder is of another run."""

    code = "training"


class MissingExtraError(FaceprintError):
    """An optional part is not installed.

    Args:
        what: The feature, as in "HEIC photos".
        extra: The name of the extra, as in "heif".
    """

    code = "missing_extra"

    def __init__(self, what: str, *, extra: str) -> None:
        super().__init__(
            f"{what} needs an optional part. Install it: pip install 'faceprint[{extra}]'"
        )
        self.extra = extra
