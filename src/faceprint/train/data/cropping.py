"""From photos of a source to encoded crops, a group at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from faceprint.align import ALIGNMENTS, crop, crop_boxes
from faceprint.errors import FaceCountError, FaceprintError
from faceprint.media import encode_image, read_image
from faceprint.pipeline import Detection, Faceprint
from faceprint.pipeline.choose import central_face
from faceprint.quality import measure
from faceprint.train.data.duplicates import perceptual_hashes
from faceprint.train.data.records import Sample
from faceprint.train.data.shard_files import Crop, CropFailure, PrepareOptions
from faceprint.types import Face, FloatArray, Image, NamedImage

__all__ = ["Cropper"]

_MARGIN: Final = 0.2
_QUALITY: Final = 95
_NO_FACE: Final = FaceCountError.code
_NO_PLACE: Final = "no_box_or_landmarks"


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """A photo that was read, and the face in it that is meant; None where the photo is taken whole."""

    row: int
    sample: Sample
    photo: NamedImage
    face: Face | None


class Cropper:
    """Cuts out, measures and encodes. Safe to call from several threads.

    Args:
        options: How.
        faceprint: What finds the faces; None to go by what the source gives.
        max_pixels: Of a photo.
    """

    def __init__(
        self, options: PrepareOptions, faceprint: Faceprint | None, *, max_pixels: int
    ) -> None:
        self._options = options
        self._faceprint = faceprint if options.detector else None
        self._max_pixels = max_pixels

    def cut(self, group: Sequence[tuple[int, Sample]]) -> list[Crop | CropFailure]:
        """A crop of each photo, or why there is none, in order.

        Args:
            group: Photos with their numbers in the source.
        """
        failures: dict[int, CropFailure] = {}
        read: list[tuple[int, Sample, NamedImage]] = []
        for row, sample in group:
            try:
                photo = sample.path if sample.pixels is None else sample.pixels
                assert photo is not None
                image = read_image(photo, name=sample.name, max_pixels=self._max_pixels)
            except FaceprintError as error:
                failures[row] = CropFailure(name=sample.name, code=error.code, reason=str(error))
            else:
                read.append((row, sample, image))
        found = self._find(read, failures)
        crops = dict(zip((one.row for one in found), self._finish(found), strict=True))
        return [crops[row] if row in crops else failures[row] for row, _ in group]

    def _find(
        self, read: list[tuple[int, Sample, NamedImage]], failures: dict[int, CropFailure]
    ) -> list[_Found]:
        if self._options.crops == "whole":
            return [_Found(row, sample, photo, None) for row, sample, photo in read]
        faces = self._given(read) if self._faceprint is None else self._detected(read)
        found = []
        for (row, sample, photo), face in zip(read, faces, strict=True):
            if face is None:
                failures[row] = self._missing(sample)
            else:
                found.append(_Found(row, sample, photo, face))
        return found

    def _missing(self, sample: Sample) -> CropFailure:
        if self._faceprint is not None:
            known = sample.box is not None or sample.landmarks is not None
            place = " where the source has one" if known else ""
            return CropFailure(name=sample.name, code=_NO_FACE, reason=f"No face was found{place}.")
        wanted = "landmarks" if self._options.crops == "aligned" else "box"
        reason = f"The source gives no {wanted} for it."
        return CropFailure(name=sample.name, code=_NO_PLACE, reason=reason)

    def _given(self, read: list[tuple[int, Sample, NamedImage]]) -> list[Face | None]:
        faces: list[Face | None] = []
        for _, sample, _photo in read:
            box, points = sample.box, sample.landmarks
            if self._options.crops == "aligned" and points is None:
                faces.append(None)
            elif box is not None or points is not None:
                around = _around(points) if box is None and points is not None else box
                assert around is not None
                faces.append(Face(around.astype(np.float32), np.nan, points))
            else:
                faces.append(None)
        return faces

    def _detected(self, read: list[tuple[int, Sample, NamedImage]]) -> list[Face | None]:
        """The face that is meant on each photo, with landmarks as in `Faceprint.identify`."""
        assert self._faceprint is not None
        models = self._faceprint.models
        images = [photo.pixels for _, _, photo in read]
        found = models.detect(images, thorough=False)
        chosen = [
            _meant(sample, photo, faces)
            for (_, sample, photo), faces in zip(read, found, strict=True)
        ]
        if self._options.crops == "aligned":
            alignment = self._options.alignment
            chosen = models.all_with_landmarks(images, chosen, alignment=alignment)
        return [faces[0] if faces else None for faces in chosen]

    def _finish(self, found: Sequence[_Found]) -> list[Crop]:
        if not found:
            return []
        crops = np.concatenate([self._cut(one) for one in found])
        hashes = perceptual_hashes(crops)
        measures = _measures(found, crops)
        return [
            Crop(
                key=f"{one.row:08d}",
                name=one.sample.name,
                data=self._encode(pixels),
                photo=one.photo.digest,
                hash=int(bits),
                identity=one.sample.identity,
                part=one.sample.part or "",
                labels=one.sample.labels,
                measures=tuple(map(float, measured)),
            )
            for one, pixels, bits, measured in zip(found, crops, hashes, measures, strict=True)
        ]

    def _cut(self, one: _Found) -> Image:
        """(1, S, S, 3) uint8 RGB."""
        options, pixels, face = self._options, one.photo.pixels, one.face
        if face is None:
            return _whole(pixels, options.side_px)[None]
        if options.crops == "box":
            return crop_boxes(pixels, face.box[None], size_px=options.side_px, margin=_MARGIN)
        assert face.landmarks is not None
        alignment = ALIGNMENTS[options.alignment]
        return crop(pixels, face.landmarks[None], alignment=alignment, size_px=options.side_px)

    def _encode(self, pixels: Image) -> bytes:
        if self._options.picture == "png":
            return encode_image(pixels, format="png")
        return encode_image(pixels, format="jpeg", quality=_QUALITY)


def _meant(sample: Sample, photo: NamedImage, faces: tuple[Face, ...]) -> tuple[Face, ...]:
    """Of several faces the one nearest to the box that the source gives, else nearest to the middle."""
    if not faces:
        return ()
    height, width = photo.pixels.shape[:2]
    box = sample.box if sample.box is not None else _around(sample.landmarks)
    if box is None:
        detection = Detection(photo.name, width, height, faces, photo.pixels, photo.digest)
        index = central_face(detection)
        return () if index is None else (faces[index],)
    middle = (box[:2] + box[2:]) / 2
    away = [float(np.linalg.norm((face.box[:2] + face.box[2:]) / 2 - middle)) for face in faces]
    nearest = int(np.argmin(away))
    # A face beyond the labelled one is somebody else, and the labelled one was not found.
    return (faces[nearest],) if away[nearest] <= max(box[2:] - box[:2]) / 2 else ()


def _around(landmarks: FloatArray | None) -> FloatArray | None:
    """A box about landmarks, of twice their height."""
    if landmarks is None:
        return None
    middle = (landmarks.min(axis=0) + landmarks.max(axis=0)) / 2
    half = float((landmarks.max(axis=0) - landmarks.min(axis=0)).max())
    return np.concatenate([middle - half, middle + half]).astype(np.float32)


def _whole(pixels: Image, side_px: int) -> Image:
    """The square in the middle of a photo, at another size."""
    height, width = pixels.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = pixels[top : top + side, left : left + side]
    if side == side_px:
        return np.ascontiguousarray(square)
    how = cv2.INTER_AREA if side > side_px else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(square, (side_px, side_px), interpolation=how), dtype=np.uint8)


def _measures(found: Sequence[_Found], crops: Image) -> FloatArray:
    """(N, 5) float32, in the order of `MEASURES`."""
    faces = [one.face for one in found]
    sizes = np.array([one.photo.pixels.shape[1::-1] for one in found], dtype=np.float32)
    stand_in = [
        Face(np.array([0, 0, *size], dtype=np.float32), 0.5) if face is None else face
        for face, size in zip(faces, sizes, strict=True)
    ]
    measured = measure([replace(one, score=0.5) for one in stand_in], crops)
    known = np.array([face is not None and face.landmarks is not None for face in faces])
    eyes = np.where(known, np.exp(measured.eye_distance), np.nan)
    scores = np.array([np.nan if face is None else face.score for face in faces])
    columns: list[npt.NDArray[Any]] = [sizes[:, 0], sizes[:, 1], measured.detail, eyes, scores]
    return np.stack([one.astype(np.float32) for one in columns], axis=1)
