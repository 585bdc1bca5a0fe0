"""The weights that faceprint runs, as the float32 files that DeepFace and OpenCV ask for by name.

DeepFace would download the publisher's float32 files. Here everybody gets the same numbers instead:
the block-quantised files of faceprint's own cards, with the weights folded to float32 and nothing
else changed, so batch and input size are the publisher's.
"""

from __future__ import annotations

from pathlib import Path

import onnx

from faceprint.zoo import WeightStore, card
from faceprint.zoo.prepare import fold_constants

FILES = {
    "yunet": "face_detection_yunet_2023mar.onnx",
    "sface": "face_recognition_sface_2021dec.onnx",
}


def write_peer_weights(folder: Path) -> None:
    """Writes both files into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    store = WeightStore(folder, folder, offline=True)
    for name, file_name in FILES.items():
        (published,) = store.files(card(name))
        model = onnx.load(published)
        fold_constants(model.graph)
        onnx.checker.check_model(model)
        onnx.save(model, folder / file_name)
