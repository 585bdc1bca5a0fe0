"""face_recognition with its defaults: the HOG detector, five landmarks, dlib's ResNet."""

from __future__ import annotations

import face_recognition  # type: ignore[import-not-found]
from clock import read_job, time_peer


def embed_all(paths: list[str]) -> int:
    embeddings = []
    for path in paths:
        embeddings.extend(face_recognition.face_encodings(face_recognition.load_image_file(path)))
    return len(embeddings)


if __name__ == "__main__":
    time_peer(read_job(), embed_all, ["face_recognition", "dlib-bin", "numpy", "pillow"])
