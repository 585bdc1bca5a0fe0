"""dlib's face recognition network, as the package face_recognition uses it.

King, "High Quality Face Recognition with Deep Metric Learning", dlib.net 2017; the architecture is
a ResNet-34 with fewer layers (He et al., CVPR 2016). Weights: CC0; trained on FaceScrub, VGG-Face
and photos from the internet (research only).
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from faceprint.embed.network import check_crops, unit
from faceprint.errors import MissingExtraError
from faceprint.runtime import RuntimeOptions
from faceprint.types import Embeddings, FloatArray, Image
from faceprint.zoo import ModelCard, WeightStore

__all__ = ["DlibResnet", "build"]

_BATCH = 16


def build(
    card: ModelCard, store: WeightStore, options: RuntimeOptions, *, flip: bool = False
) -> DlibResnet:
    """The network of the card; it runs in dlib, whatever the options.

    Raises:
        MissingExtraError: dlib or the package of its weights is not installed.
    """
    try:
        import dlib
    except ImportError as error:
        raise MissingExtraError(f"The model {card.name}", extra="dlib") from error
    (path,) = store.files(card)
    return DlibResnet(card, dlib.face_recognition_model_v1(str(path)), flip=flip)


class DlibResnet:
    """dlib's network from crops to embeddings.

    dlib compares by Euclidean distance and leaves the length of its vectors free; here they are
    scaled to length 1, like all embeddings.

    Args:
        card: What it is.
        network: A `dlib.face_recognition_model_v1`.
        flip: Average the embedding of each crop with that of its mirror image.
    """

    def __init__(self, card: ModelCard, network: Any, *, flip: bool = False) -> None:
        self.name = card.name
        self.model_id = f"{card.model_id}+flip" if flip else card.model_id
        self.dimension = card.dimension
        self.crop_size_px = card.input_size_px
        self.alignment = card.alignment
        self._network = network
        self._flip = flip
        self._lock = threading.Lock()  # the network keeps its layers' outputs

    def embed(self, crops: Image) -> Embeddings:
        """Embeddings of (N, S, S, 3) uint8 RGB crops.

        Raises:
            InputError: The crops have another shape or dtype.
        """
        check_crops(crops, side_px=self.crop_size_px, name=self.name)
        vectors = self._run(crops)
        if self._flip:
            vectors = unit(vectors + self._run(crops[:, :, ::-1]))
        return Embeddings(vectors, self.model_id)

    def _run(self, crops: Image) -> FloatArray:
        parts = [np.zeros((0, self.dimension), dtype=np.float32)]
        for start in range(0, len(crops), _BATCH):
            batch = [np.ascontiguousarray(crop) for crop in crops[start : start + _BATCH]]
            with self._lock:
                found = self._network.compute_face_descriptor(batch)
            parts.append(np.array(found, dtype=np.float32))
        return unit(np.concatenate(parts))
