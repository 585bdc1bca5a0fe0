"""InsightFace's `FaceAnalysis`, which is buffalo_l, without the landmarks, age and sex that it adds."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import cv2
from clock import Face, check_reachable, read_job, time_peer
from insightface.app import FaceAnalysis  # type: ignore[import-not-found]
from insightface.utils import DEFAULT_MP_NAME  # type: ignore[import-not-found]
from insightface.utils.storage import (  # type: ignore[import-not-found]
    model_zoo_download_url,
)


def main() -> None:
    job = read_job()
    if not (Path.home() / ".insightface" / "models" / DEFAULT_MP_NAME).exists():
        check_reachable(model_zoo_download_url(f"{DEFAULT_MP_NAME}.zip"))
    with contextlib.redirect_stdout(sys.stderr):
        app = FaceAnalysis(allowed_modules=["detection", "recognition"])
        app.prepare()

    def embed(path: str) -> list[Face]:
        return [(face.bbox, face.normed_embedding) for face in app.get(cv2.imread(path))]

    packages = ["insightface", "onnxruntime", "opencv-python", "numpy"]
    time_peer(job, lambda paths: [embed(path) for path in paths], packages)


if __name__ == "__main__":
    main()
