"""face_recognition with its defaults: the HOG detector, five landmarks, dlib's ResNet."""

from __future__ import annotations

import face_recognition
from clock import Face, read_job, time_peer


def embed(path: str) -> list[Face]:
    image = face_recognition.load_image_file(path)
    places = face_recognition.face_locations(image)
    vectors = face_recognition.face_encodings(image, places)
    boxes = [(left, top, right, bottom) for top, right, bottom, left in places]
    return list(zip(boxes, vectors, strict=True))


if __name__ == "__main__":
    packages = ["face_recognition", "dlib-bin", "numpy", "pillow"]
    time_peer(read_job(), lambda paths: [embed(path) for path in paths], packages)
