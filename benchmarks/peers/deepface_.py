"""DeepFace with YuNet and SFace: `DeepFace.represent` on each path."""

from __future__ import annotations

import os

from clock import Face, read_job, time_peer


def main() -> None:
    job = read_job()
    # DeepFace looks for weights in DEEPFACE_HOME/.deepface/weights before it downloads them.
    os.environ["DEEPFACE_HOME"] = str(job.weights.parents[1])
    os.environ["DEEPFACE_LOG_LEVEL"] = "40"
    from deepface import DeepFace  # type: ignore[import-not-found]
    from deepface.modules.exceptions import FaceNotDetected  # type: ignore[import-not-found]

    def embed(path: str) -> list[Face]:
        try:
            faces = DeepFace.represent(path, model_name="SFace", detector_backend="yunet")
        except FaceNotDetected:
            return []
        areas = [face["facial_area"] for face in faces]
        boxes = [(a["x"], a["y"], a["x"] + a["w"], a["y"] + a["h"]) for a in areas]
        return [(box, face["embedding"]) for box, face in zip(boxes, faces, strict=True)]

    packages = ["deepface", "opencv-contrib-python-headless", "onnxruntime", "numpy"]
    time_peer(job, lambda paths: [embed(path) for path in paths], packages)


if __name__ == "__main__":
    main()
