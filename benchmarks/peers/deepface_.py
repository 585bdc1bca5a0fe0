"""DeepFace with YuNet and SFace: `DeepFace.represent` on each path."""

from __future__ import annotations

import os

from clock import read_job, time_peer


def main() -> None:
    job = read_job()
    # DeepFace looks for weights in DEEPFACE_HOME/.deepface/weights before it downloads them.
    os.environ["DEEPFACE_HOME"] = str(job.weights.parents[1])
    os.environ["DEEPFACE_LOG_LEVEL"] = "40"
    from deepface import DeepFace  # type: ignore[import-not-found]
    from deepface.modules.exceptions import FaceNotDetected  # type: ignore[import-not-found]

    def embed_all(paths: list[str]) -> int:
        embeddings: list[object] = []
        for path in paths:
            try:
                faces = DeepFace.represent(path, model_name="SFace", detector_backend="yunet")
            except FaceNotDetected:
                continue
            embeddings.extend(face["embedding"] for face in faces)
        return len(embeddings)

    packages = ["deepface", "opencv-contrib-python-headless", "onnxruntime", "numpy"]
    time_peer(job, embed_all, packages)


if __name__ == "__main__":
    main()
