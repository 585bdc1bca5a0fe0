"""UniFace as its front page shows it: `FaceAnalyzer()`, RetinaFace MobileNetV2 and EdgeFace XXS."""

from __future__ import annotations

import cv2
from clock import TIMEOUT_S, Face, read_job, time_peer
from uniface import FaceAnalyzer  # type: ignore[import-not-found]
from uniface.constants import (  # type: ignore[import-not-found]
    MODEL_REGISTRY,
    EdgeFaceWeights,
    RetinaFaceWeights,
)
from uniface.model_store import verify_model_weights  # type: ignore[import-not-found]


def main() -> None:
    job = read_job()
    for name in (RetinaFaceWeights.MNET_V2, EdgeFaceWeights.XXS):
        try:
            verify_model_weights(name, timeout=TIMEOUT_S, max_retries=1)
        except ConnectionError as error:
            address = MODEL_REGISTRY[name].url
            raise SystemExit(
                f"weights could not be fetched from {address}, nor from the mirror"
            ) from error
    analyzer = FaceAnalyzer()

    def embed(path: str) -> list[Face]:
        faces = analyzer.analyze(cv2.imread(path))
        return [(face.bbox, face.embedding) for face in faces if face.embedding is not None]

    packages = ["uniface", "onnxruntime", "opencv-python", "numpy"]
    time_peer(job, lambda paths: [embed(path) for path in paths], packages)


if __name__ == "__main__":
    main()
