"""The archive format of exports: a ZIP of a manifest, vectors, pictures and documents.

::

    manifest.json            people, consents, templates, models; validated on reading
    vectors/<n>.npy          (N, D) little-endian float32, the templates of the n-th model
    pictures/<sha256>        kept pictures
    documents/<sha256>       documents of consents

Nothing is compressed, so an archive cannot unpack to more than its own size, and nothing is ever
extracted by the name that an archive gives.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tokenize import TokenError
from typing import Annotated, Literal

import numpy as np
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from faceprint.errors import (
    EmbeddingError,
    GalleryCorruptError,
    GalleryVersionError,
    ImageFormatError,
)
from faceprint.gallery.checks import MAX_DOCUMENT_BYTES, check_picture, check_vectors
from faceprint.gallery.faults import storage_error
from faceprint.gallery.records import PictureKind
from faceprint.types import FloatArray

__all__ = [
    "ARCHIVE_VERSION",
    "MANIFEST",
    "Archive",
    "ArchivedConsent",
    "ArchivedModel",
    "ArchivedPerson",
    "ArchivedTemplate",
    "Manifest",
    "document_entry",
    "encode_vectors",
    "opened",
    "picture_entry",
    "vectors_entry",
]

ARCHIVE_VERSION = 1
"""The version of the format that is written, and the newest that is read."""

MANIFEST = "manifest.json"


def _in_utc(when: datetime) -> datetime:
    try:
        return when.astimezone(UTC)
    except OverflowError:
        raise ValueError("the time lies beyond the years 1 to 9999 in UTC") from None


_Time = Annotated[AwareDatetime, AfterValidator(_in_utc)]
_Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Id = Annotated[
    str, Field(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")
]
_Label = Annotated[str, Field(min_length=1, max_length=500)]
_Pixels = Annotated[float, Field(allow_inf_nan=False)]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ArchivedConsent(_Record):
    """A consent record; its document is an entry of the archive."""

    text: str
    purpose: _Label
    given_at: _Time
    recorded_by: _Label
    expires_at: _Time | None
    document: _Digest | None
    document_name: str | None


class ArchivedTemplate(_Record):
    """A template; its vector is a row of the vectors of its model, its picture an entry."""

    template_id: _Id
    model: Annotated[int, Field(ge=0)]
    row: Annotated[int, Field(ge=0)]
    detector: str
    source: str
    source_digest: _Digest
    box: tuple[_Pixels, _Pixels, _Pixels, _Pixels]
    quality: Annotated[float, Field(ge=0, le=1)]
    created_at: _Time
    picture: _Digest | None
    picture_kind: PictureKind


class ArchivedPerson(_Record):
    """A person with all that belongs to them."""

    person_id: _Id
    name: str
    notes: str
    created_at: _Time
    consents: tuple[ArchivedConsent, ...]
    templates: tuple[ArchivedTemplate, ...]


class ArchivedModel(_Record):
    """A model and the digest of the file with its vectors."""

    model_id: _Label
    dimension: Annotated[int, Field(ge=1, le=2**16)]
    templates: Annotated[int, Field(ge=0)]
    sha256: _Digest


class Manifest(_Record):
    """What an archive holds."""

    format: Literal["faceprint-gallery"] = "faceprint-gallery"
    version: Literal[1] = 1
    created_at: _Time
    models: tuple[ArchivedModel, ...]
    people: tuple[ArchivedPerson, ...]

    def pictures(self) -> set[str]:
        """Digests of all kept pictures."""
        return {t.picture for p in self.people for t in p.templates if t.picture is not None}

    def documents(self) -> set[str]:
        """Digests of all documents of consents."""
        return {c.document for p in self.people for c in p.consents if c.document is not None}


class _Version(BaseModel):
    format: Literal["faceprint-gallery"]
    version: int


def picture_entry(digest: str) -> str:
    """Name of the entry of a picture."""
    return f"pictures/{digest}"


def document_entry(digest: str) -> str:
    """Name of the entry of a document."""
    return f"documents/{digest}"


def vectors_entry(model: int) -> str:
    """Name of the entry with the vectors of a model, counted from 0."""
    return f"vectors/{model}.npy"


def encode_vectors(vectors: FloatArray) -> bytes:
    """(N, D) float32 as an .npy file."""
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, vectors.astype("<f4"), version=(1, 0), allow_pickle=False)
    return buffer.getvalue()


class Archive:
    """An archive that checks out: every entry is there, has its digest, and nothing else is there.

    Attributes:
        manifest: What it holds.
        vectors: (N, D) float32 for each model of the manifest.
    """

    def __init__(self, file: zipfile.ZipFile, size: int) -> None:
        """Checks an opened ZIP of `size` bytes.

        Raises:
            GalleryCorruptError: Something does not check out.
            GalleryVersionError: A newer faceprint wrote it.
        """
        self._file = file
        self._check_entries(size)
        self.manifest = _read_manifest(self._read(MANIFEST))
        self._check_names()
        self.vectors = [
            _read_vectors(self._read_checked(vectors_entry(number), model.sha256), model)
            for number, model in enumerate(self.manifest.models)
        ]
        self._check_rows()
        for digest in self.manifest.pictures():
            check_picture(self.picture(digest))
        for digest in self.manifest.documents():
            self.document(digest)

    def picture(self, digest: str) -> bytes:
        """A picture; its digest is checked."""
        return self._read_checked(picture_entry(digest), digest)

    def document(self, digest: str) -> bytes:
        """A document; its digest is checked."""
        if self._file.getinfo(document_entry(digest)).file_size > MAX_DOCUMENT_BYTES:
            raise GalleryCorruptError(
                f"{self._what}: a document is larger than any that is stored."
            )
        return self._read_checked(document_entry(digest), digest)

    @property
    def _what(self) -> str:
        return f"The archive {self._file.filename} was not imported"

    def _check_entries(self, size: int) -> None:
        entries = self._file.infolist()
        names = {entry.filename for entry in entries}
        if len(names) != len(entries):
            raise GalleryCorruptError(f"{self._what}: it holds two entries of one name.")
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
            raise GalleryCorruptError(
                f"{self._what}: its entries are compressed, which faceprint never does. "
                "Use the file as it was exported."
            )
        if sum(entry.file_size for entry in entries) > size:
            raise GalleryCorruptError(f"{self._what}: its entries overlap.")
        if MANIFEST not in names:
            raise GalleryCorruptError(f"{self._what}: it has no {MANIFEST}, so it is no export.")

    def _check_names(self) -> None:
        expected = {MANIFEST}
        expected.update(vectors_entry(number) for number in range(len(self.manifest.models)))
        expected.update(map(picture_entry, self.manifest.pictures()))
        expected.update(map(document_entry, self.manifest.documents()))
        found = set(self._file.namelist())
        if found != expected:
            raise GalleryCorruptError(
                f"{self._what}: {len(expected - found)} entries are missing, "
                f"{len(found - expected)} do not belong to it."
            )

    def _check_rows(self) -> None:
        """Every row of vectors belongs to exactly one template, and all ids differ."""
        people = self.manifest.people
        archived = [template for person in people for template in person.templates]
        expected = {
            (number, row)
            for number, model in enumerate(self.manifest.models)
            for row in range(model.templates)
        }
        rows = {(template.model, template.row) for template in archived}
        if rows != expected or len(archived) != len(expected):
            raise GalleryCorruptError(
                f"{self._what}: templates and vectors do not belong together."
            )
        if len({template.template_id for template in archived}) != len(archived):
            raise GalleryCorruptError(f"{self._what}: two templates have one id.")
        if len({person.person_id for person in people}) != len(people):
            raise GalleryCorruptError(f"{self._what}: two people have one id.")
        if len({model.model_id for model in self.manifest.models}) != len(self.manifest.models):
            raise GalleryCorruptError(f"{self._what}: two models have one id.")
        if any(person.templates and not person.consents for person in people):
            raise GalleryCorruptError(f"{self._what}: somebody in it has no consent record.")

    def _read(self, name: str) -> bytes:
        return self._file.read(name)

    def _read_checked(self, name: str, digest: str) -> bytes:
        content = self._read(name)
        if hashlib.sha256(content).hexdigest() != digest:
            raise GalleryCorruptError(
                f"{self._what}: {name} does not have the digest of the manifest."
            )
        return content


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """Opens an archive and checks all of it before anything is used.

    Raises:
        GalleryUnavailableError: The file cannot be read.
        GalleryCorruptError: It does not check out.
        GalleryVersionError: A newer faceprint wrote it.
    """
    try:
        with path.open("rb") as stream:
            size = path.stat().st_size
            try:
                file = zipfile.ZipFile(stream)
                archive = Archive(file, size)
            except _BROKEN as error:
                raise GalleryCorruptError(f"{path} was not imported: {error}") from error
            yield archive
    except OSError as error:
        raise storage_error(error, path) from error


_BROKEN = (
    zipfile.BadZipFile,
    EmbeddingError,
    ImageFormatError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    SyntaxError,
    TokenError,
    ValueError,
)
"""What `zipfile`, NumPy and the checks raise over a broken or encrypted archive."""


def _read_manifest(content: bytes) -> Manifest:
    try:
        version = _Version.model_validate_json(content).version
        if version > ARCHIVE_VERSION:
            raise GalleryVersionError(
                f"The archive has version {version}; this faceprint reads up to {ARCHIVE_VERSION}. "
                "It was written by a newer faceprint: upgrade faceprint."
            )
        return Manifest.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or MANIFEST
        raise GalleryCorruptError(
            f"The manifest of the archive does not check out, at {where}: {first['msg']}."
        ) from None


def _read_vectors(content: bytes, model: ArchivedModel) -> FloatArray:
    """The vectors of a model, without ever running NumPy's unpickler or trusting a shape."""
    buffer = io.BytesIO(content)
    shape = (model.templates, model.dimension)
    if np.lib.format.read_magic(buffer) != (1, 0):
        raise GalleryCorruptError("The vectors of the archive are of an unknown version of .npy.")
    header = np.lib.format.read_array_header_1_0(buffer)
    rest = content[buffer.tell() :]
    if header != (shape, False, np.dtype("<f4")) or len(rest) != 4 * shape[0] * shape[1]:
        raise GalleryCorruptError(
            f"The vectors of the archive should be {shape} little-endian float32; "
            f"they are {header[0]} of {header[2]} in {len(rest)} bytes."
        )
    return check_vectors(np.frombuffer(rest, dtype="<f4").reshape(shape))
