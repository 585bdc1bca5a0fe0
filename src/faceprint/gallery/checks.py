"""What a gallery refuses to store or to compare."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from faceprint.errors import ConsentError, EmbeddingError, ImageFormatError, InputError
from faceprint.gallery.names import clean_text
from faceprint.gallery.records import Call, Consent, NewTemplate
from faceprint.types import FloatArray

__all__ = [
    "MAX_DOCUMENT_BYTES",
    "MAX_PICTURE_BYTES",
    "check_call",
    "check_consent",
    "check_dimension",
    "check_model_id",
    "check_picture",
    "check_templates",
    "check_vectors",
]

MAX_DOCUMENT_BYTES = 16 * 2**20
"""Largest consent document."""

MAX_PICTURE_BYTES = 64 * 2**20
"""Largest kept picture, encoded."""

_NORM_TOLERANCE = 1e-3
_CLOCK_TOLERANCE = timedelta(days=1)
_MAX_LABEL_LENGTH = 500
_DIGEST = re.compile(r"[0-9a-f]{64}")


def check_call(call: Call) -> None:
    """Refuses a call that does not say who asks and what for.

    Raises:
        InputError: The actor or the purpose is blank or too long.
    """
    for what, value in (("actor", call.actor), ("purpose", call.purpose)):
        if not value.strip() or len(value) > _MAX_LABEL_LENGTH:
            raise InputError(
                f"Every call names its {what} in 1 to {_MAX_LABEL_LENGTH} characters; "
                f"this one has {len(value.strip())}."
            )


def check_model_id(model_id: str) -> None:
    """Refuses a blank or overlong model_id.

    Raises:
        EmbeddingError: The model_id is blank or too long.
    """
    if (
        not model_id.strip()
        or len(model_id) > _MAX_LABEL_LENGTH
        or clean_text(model_id) != model_id
    ):
        raise EmbeddingError(
            "Embeddings need the model_id of the model that made them; this one is "
            f"blank, not text, or longer than {_MAX_LABEL_LENGTH} characters."
        )


def check_consent(consent: Consent, *, now: datetime) -> None:
    """Refuses a consent record that is incomplete or not valid now.

    Args:
        consent: The record.
        now: Timezone-aware.

    Raises:
        ConsentError: Something is missing, a time has no time zone, or the consent has expired.
    """
    if not consent.text.strip() and not consent.document:
        raise ConsentError("A consent record needs the wording agreed to, or a document.")
    for what, value in (("purpose", consent.purpose), ("recorded_by", consent.recorded_by)):
        if not value.strip() or len(value) > _MAX_LABEL_LENGTH:
            raise ConsentError(
                f"A consent record needs its {what} in 1 to {_MAX_LABEL_LENGTH} characters; "
                f"this one has {len(value.strip())}."
            )
    for when in (consent.given_at, consent.expires_at):
        if when is not None and when.utcoffset() is None:
            raise ConsentError(f"The times of a consent record need a time zone; {when} has none.")
        if when is not None and not _is_stored(when):
            raise ConsentError(f"{when} lies beyond the years 1 to 9999 in UTC. Give another time.")
    if consent.given_at > now + _CLOCK_TOLERANCE:
        raise ConsentError(
            f"The consent is dated {consent.given_at:%Y-%m-%d}, in the future. Check date and "
            "clock."
        )
    if consent.expires_at is not None and consent.expires_at <= max(now, consent.given_at):
        raise ConsentError(
            f"The consent expired on {consent.expires_at:%Y-%m-%d}. Ask for a new one and record "
            "it."
        )
    if consent.document is not None and len(consent.document) > MAX_DOCUMENT_BYTES:
        raise ConsentError(
            f"A consent document has at most {MAX_DOCUMENT_BYTES // 2**20} MiB; "
            f"this one has {len(consent.document) / 2**20:.1f} MiB. Scan it smaller."
        )


def _is_stored(when: datetime) -> bool:
    """Whether a time exists in UTC."""
    try:
        when.astimezone(UTC)
    except OverflowError:
        return False
    return True


def check_vectors(vectors: FloatArray) -> FloatArray:
    """Embeddings as they are stored and compared.

    Args:
        vectors: (N, D) floating point, each row of L2 norm 1.

    Returns:
        (N, D) float32, C-contiguous.

    Raises:
        EmbeddingError: Another shape or dtype, a value that is not finite, or a norm that is not 1.
    """
    given = np.asarray(vectors)
    if given.ndim != 2 or given.shape[1] == 0 or given.dtype.kind != "f":
        raise EmbeddingError(
            "Embeddings come as an (N, D) array of floating point numbers; "
            f"this one is {given.shape} of {given.dtype}."
        )
    checked: FloatArray = np.ascontiguousarray(given, dtype=np.float32)
    if not np.isfinite(checked).all():
        raise EmbeddingError(
            "An embedding holds values that are not finite. Embed the photo again."
        )
    norms = np.linalg.norm(checked, axis=1)
    off = np.abs(norms - 1) > _NORM_TOLERANCE
    if off.any():
        raise EmbeddingError(
            f"Embeddings have an L2 norm of 1; row {int(off.argmax())} has "
            f"{norms[off.argmax()]:.4f}. "
            "Divide each by its norm."
        )
    return checked


def check_dimension(vectors: FloatArray, dimension: int, *, model_id: str) -> None:
    """Refuses vectors of another length than those of the same model so far.

    Raises:
        EmbeddingError: The lengths differ.
    """
    if vectors.shape[1] != dimension:
        raise EmbeddingError(
            f"Embeddings of {model_id} have {dimension} values in this gallery; "
            f"these have {vectors.shape[1]}. They are of another model."
        )


def check_picture(picture: bytes) -> None:
    """Refuses bytes that are no JPEG, PNG or WebP, judged by how they begin.

    Raises:
        ImageFormatError: Another format, or too large.
    """
    known = picture.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")) or (
        picture[:4] == b"RIFF" and picture[8:12] == b"WEBP"
    )
    if not known or len(picture) > MAX_PICTURE_BYTES:
        raise ImageFormatError(
            f"A kept picture is a JPEG, PNG or WebP of at most {MAX_PICTURE_BYTES // 2**20} MiB; "
            f"this one has {len(picture)} bytes and begins with {picture[:4].hex() or 'nothing'}."
        )


def check_templates(templates: Sequence[NewTemplate]) -> FloatArray:
    """Checks the templates of one enrolment.

    Returns:
        (N, D) float32, their vectors.

    Raises:
        EmbeddingError: There is none, or a vector cannot be used.
        InputError: A digest, box, quality or picture cannot be used.
    """
    if not templates:
        raise EmbeddingError("An enrolment needs at least one template; none was given.")
    for template in templates:
        _check_origin(template)
    shapes = {np.shape(template.vector) for template in templates}
    if len(shapes) > 1 or len(next(iter(shapes))) != 1:
        raise EmbeddingError(
            f"The vectors of one enrolment have one shape, (D,); these have {sorted(shapes)}."
        )
    return check_vectors(np.stack([template.vector for template in templates]))


def _check_origin(template: NewTemplate) -> None:
    if not _DIGEST.fullmatch(template.source_digest):
        raise InputError(
            "source_digest is the SHA-256 of the photo in 64 lower-case hexadecimal digits; "
            f"this one has {len(template.source_digest)} characters."
        )
    box = np.asarray(template.box)
    limit = np.finfo(np.float32).max
    if box.shape != (4,) or box.dtype.kind not in "fiu" or not (abs(box) < limit).all():
        raise InputError(
            f"A face box is four finite numbers x1 y1 x2 y2; this one is {box.tolist()}."
        )
    if not 0 <= template.quality <= 1:
        raise InputError(
            f"The quality of a face lies between 0 and 1; this one is {template.quality}."
        )
    if template.picture_kind not in ("crop", "photo"):
        raise InputError(f"picture_kind is 'crop' or 'photo', not {template.picture_kind!r}.")
    if template.picture is not None:
        check_picture(template.picture)
