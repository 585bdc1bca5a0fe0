"""MTCNN: three cascaded networks over an image pyramid, with landmarks.

Zhang et al., "Joint Face Detection and Alignment Using Multi-task Cascaded Convolutional Networks",
IEEE SPL 2016. Weights: the authors', as the package `mtcnn` or facenet-pytorch carries them, MIT;
trained on WIDER FACE and CelebA (research only).

All levels of a photo's pyramid lie on one canvas, so that P-Net runs once for the photos of one
size; R-Net and O-Net see the candidates of all photos of a call together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from faceprint.detect.box_crops import cut_boxes, square_boxes
from faceprint.detect.mtcnn_network import (
    STAGES,
    Stage,
    StageWeights,
    build_graph,
    from_keras,
    from_torch,
)
from faceprint.detect.mtcnn_pyramid import STRIDE_PX, WINDOW_PX, Pyramid, plan_pyramid
from faceprint.geometry import suppress
from faceprint.runtime import RuntimeOptions, Session, open_session
from faceprint.types import Face, FloatArray, Image
from faceprint.zoo import ModelCard, WeightStore
from faceprint.zoo.arrays import read_joblib
from faceprint.zoo.torch_files import read_state_dict

__all__ = ["Mtcnn", "MtcnnOptions", "build", "read_weights"]

_MAX_BATCH_PIXELS = 512 * 1024
_CROPS_PER_BATCH = 64
_WATCHFUL_SCORES = (0.5, 0.5, 0.4)
# As in the authors' code, P-Net's boxes are thinned on each level and then over all levels, R-Net's
# once, both before the boxes are moved: more candidates reach O-Net than after, and its scores are
# the surer for it. O-Net's boxes are thinned once, after.
_IOU_LEVEL, _IOU_PHOTO, _IOU_REFINED, _IOU_FINISHED = 0.5, 0.7, 0.7, 0.7


@dataclass(frozen=True, slots=True)
class MtcnnOptions:
    """What the cascade looks for.

    Attributes:
        min_face_px: Smaller faces are missed; half of it takes four times as long.
        scale_factor: Size of each level of the pyramid as a share of the one before, below 1.
        min_scores: What P-Net, R-Net and O-Net must give a candidate at least.
    """

    min_face_px: float = 20.0
    scale_factor: float = 0.709
    min_scores: tuple[float, float, float] = (0.6, 0.7, 0.7)


@dataclass(frozen=True, slots=True, eq=False)
class _Candidates:
    """Boxes of several photos.

    Attributes:
        photos: (N,) which photo each is of.
        boxes: (N, 4) float32 pixels of that photo, what the network saw.
        moved: (N, 4) float32, where the network puts the face.
        scores: (N,) float32.
    """

    photos: npt.NDArray[np.intp]
    boxes: FloatArray
    moved: FloatArray
    scores: FloatArray

    def take(self, indices: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> _Candidates:
        """Those of these indices, or where this mask is true."""
        return _Candidates(
            self.photos[indices], self.boxes[indices], self.moved[indices], self.scores[indices]
        )


def build(card: ModelCard, store: WeightStore, options: RuntimeOptions) -> Mtcnn:
    """MTCNN from its card."""
    sessions = []
    for index, stage in enumerate(STAGES):

        def make(files: tuple[Path, ...], index: int = index) -> bytes:
            return build_graph(read_weights(STAGES[index], files[index]), card)

        path = store.made(card, f"{stage.name}-r{card.revision}.onnx", make)
        # O-Net runs on few faces and sets the landmarks, which lower precision would blur.
        sensitive = stage.name == "finish" or card.precision == "f32"
        sessions.append(open_session(path, options, sensitive=sensitive))
    propose, refine, finish = sessions
    return Mtcnn(propose, refine, finish, name=card.name)


def read_weights(stage: Stage, path: Path) -> StageWeights:
    """The arrays of one network from a file of either publisher, told by its suffix.

    Raises:
        WeightsCorruptError: The file does not hold the arrays of this network.
    """
    content = path.read_bytes()
    if path.suffix == ".pt":
        return from_torch(stage, read_state_dict(content, name=path.name))
    return from_keras(stage, read_joblib(content, name=path.name))


class Mtcnn:
    """Finds faces of `min_face_px` and more at the size that the images have.

    Args:
        propose: P-Net.
        refine: R-Net.
        finish: O-Net.
        name: Card name.
        options: What the cascade looks for.
    """

    def __init__(
        self,
        propose: Session,
        refine: Session,
        finish: Session,
        *,
        name: str = "mtcnn",
        options: MtcnnOptions | None = None,
    ) -> None:
        self.name = name
        self.options = options or MtcnnOptions()
        self._propose_net = propose
        self._refine_net = refine
        self._finish_net = finish

    def watchful(self) -> Mtcnn:
        """The same networks, set to miss as little as they can."""
        return self._with_scores(_WATCHFUL_SCORES)

    def lowered(self, min_score: float) -> Mtcnn:
        """The same networks, with what O-Net gives down to this score; P-Net and R-Net choose as before."""
        return self._with_scores((*self.options.min_scores[:2], min_score))

    def _with_scores(self, min_scores: tuple[float, float, float]) -> Mtcnn:
        nets = (self._propose_net, self._refine_net, self._finish_net)
        options = replace(self.options, min_scores=min_scores)
        return Mtcnn(*nets, name=self.name, options=options)

    def detect(self, images: Sequence[Image]) -> list[tuple[Face, ...]]:
        """Faces of each image, best first; photos of one size share a run of P-Net."""
        candidates = self._refine(images, self._propose(images))
        found: list[list[Face]] = [[] for _ in images]
        for photo, face in self._finish(images, candidates):
            found[photo].append(face)
        return [tuple(faces) for faces in found]

    def _propose(self, images: Sequence[Image]) -> _Candidates:
        alike: dict[tuple[int, int], list[int]] = defaultdict(list)
        for index, image in enumerate(images):
            alike[image.shape[0], image.shape[1]].append(index)
        parts: list[_Candidates] = []
        for (height, width), indices in alike.items():
            plan = plan_pyramid(
                height,
                width,
                min_face_px=self.options.min_face_px,
                scale_factor=self.options.scale_factor,
            )
            if plan is None:
                continue
            step = max(1, _MAX_BATCH_PIXELS // (plan.height * plan.width))
            for start in range(0, len(indices), step):
                parts.extend(self._propose_alike(images, indices[start : start + step], plan))
        return _join(parts)

    def _propose_alike(
        self, images: Sequence[Image], indices: Sequence[int], plan: Pyramid
    ) -> Iterator[_Candidates]:
        canvases = np.zeros((len(indices), plan.height, plan.width, 3), dtype=np.uint8)
        for canvas, index in zip(canvases, indices, strict=True):
            plan.draw(images[index], canvas)
        offsets, scores = self._slide(canvases)
        faces = (scores > self.options.min_scores[0]) & (plan.level_of_window >= 0)
        for row, index in enumerate(indices):
            rows, columns = np.nonzero(faces[row])
            boxes = plan.windows(rows, columns)
            some = _Candidates(
                np.full(len(rows), index),
                boxes,
                _move(boxes, offsets[row][:, rows, columns].T),
                scores[row, rows, columns],
            )
            levels = plan.level_of_window[rows, columns]
            yield _thin(_thin(some, _IOU_LEVEL, levels), _IOU_PHOTO)

    def _slide(self, canvases: Image) -> tuple[FloatArray, FloatArray]:
        """P-Net's maps (N, 4, H', W') and (N, H', W'); a large canvas goes through in strips."""
        _, height, width, _ = canvases.shape
        shared = WINDOW_PX - STRIDE_PX
        rows = max(_MAX_BATCH_PIXELS // (width * len(canvases)) // 2 * 2, 2 * WINDOW_PX)
        strips = [
            self._propose_net.run(np.ascontiguousarray(canvases[:, top : top + rows + shared]))
            for top in range(0, height - shared, rows)
        ]
        offsets, scores = (np.concatenate(maps, axis=2) for maps in zip(*strips, strict=True))
        return offsets, scores[:, 0]

    def _refine(self, images: Sequence[Image], candidates: _Candidates) -> _Candidates:
        squares = square_boxes(candidates.moved)
        crops = cut_boxes(images, candidates.photos, squares, side_px=STAGES[1].input_px)
        offsets, scores = _run(self._refine_net, crops, (4, 1))
        moved = _move(squares, offsets)
        refined = _Candidates(candidates.photos, squares, moved, scores[:, 0])
        refined = refined.take(refined.scores > self.options.min_scores[1])
        return _join([_thin(some, _IOU_REFINED) for some in _by_photo(refined)])

    def _finish(
        self, images: Sequence[Image], candidates: _Candidates
    ) -> Iterator[tuple[int, Face]]:
        squares = square_boxes(candidates.moved)
        crops = cut_boxes(images, candidates.photos, squares, side_px=STAGES[2].input_px)
        offsets, points, scores = _run(self._finish_net, crops, (4, 10, 1))
        boxes = _move(squares, offsets)
        # O-Net gives the five x, then the five y, as shares of the square.
        landmarks = points.reshape(-1, 2, 5).transpose(0, 2, 1)
        landmarks = landmarks * (squares[:, 2:] - squares[:, :2])[:, None] + squares[:, None, :2]
        sure = np.flatnonzero(scores[:, 0] > self.options.min_scores[2])
        kept = suppress(
            boxes[sure],
            scores[sure, 0],
            iou=_IOU_FINISHED,
            groups=candidates.photos[sure],
            of_smaller=True,
        )
        for k in sure[kept]:
            face = Face(boxes[k], float(scores[k, 0]), landmarks[k].astype(np.float32))
            yield int(candidates.photos[k]), face


def _join(parts: Sequence[_Candidates]) -> _Candidates:
    no_boxes = np.zeros((0, 4), np.float32)
    none = _Candidates(np.zeros(0, np.intp), no_boxes, no_boxes, np.zeros(0, np.float32))
    parts = [none, *parts]
    return _Candidates(
        np.concatenate([part.photos for part in parts]),
        np.concatenate([part.boxes for part in parts]),
        np.concatenate([part.moved for part in parts]),
        np.concatenate([part.scores for part in parts]),
    )


def _by_photo(candidates: _Candidates) -> Iterator[_Candidates]:
    for photo in np.unique(candidates.photos):
        yield candidates.take(candidates.photos == photo)


def _thin(
    candidates: _Candidates, iou: float, groups: npt.NDArray[np.int16] | None = None
) -> _Candidates:
    """The best of each heap of boxes of one photo: `geometry.suppress`, for thousands of boxes."""
    if not len(candidates.scores):
        return candidates
    boxes = candidates.boxes.astype(np.float64)
    boxes[:, 2:] -= boxes[:, :2]
    classes = np.zeros(len(boxes), np.int32) if groups is None else groups.astype(np.int32)
    # The stubs ask for nested sequences where OpenCV takes arrays.
    kept = cv2.dnn.NMSBoxesBatched(boxes, candidates.scores, classes, 0.0, iou)  # type: ignore[arg-type]
    return candidates.take(np.asarray(kept, dtype=np.intp))


def _move(boxes: FloatArray, offsets: FloatArray) -> FloatArray:
    """Boxes with each side moved by a share of the box's width or height."""
    sides = np.tile(boxes[:, 2:] - boxes[:, :2], (1, 2))
    moved: FloatArray = boxes + offsets * sides
    return moved


def _run(session: Session, crops: Image, widths: Sequence[int]) -> tuple[FloatArray, ...]:
    """All crops through a network, in batches."""
    nothing = tuple(np.zeros((0, width), np.float32) for width in widths)
    parts = [
        session.run(crops[start : start + _CROPS_PER_BATCH])
        for start in range(0, len(crops), _CROPS_PER_BATCH)
    ]
    return tuple(np.concatenate(outputs) for outputs in zip(nothing, *parts, strict=True))
