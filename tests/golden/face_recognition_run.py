"""Runs the real face_recognition over photos, in a process of its own: it warns at import.

    python face_recognition_run.py ASKED.json RESULTS.json

ASKED names the photos, the last one small, which the slow detector gets too.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any


def main() -> None:
    asked, results = map(Path, sys.argv[1:])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import face_recognition
    photos = json.loads(asked.read_text())
    found = {photo: look(face_recognition, photo) for photo in photos}
    small = face_recognition.load_image_file(photos[-1])
    slow = {
        "cnn": face_recognition.face_locations(small, model="cnn"),
        "cnn_plain": face_recognition.face_locations(small, 0, "cnn"),
        "batch": face_recognition.batch_face_locations([small, small[:, ::-1].copy()], 0),
        "jittered": [v.tolist() for v in face_recognition.face_encodings(small, num_jitters=3)],
    }
    results.write_text(json.dumps({"photos": found, "small": slow}))


def look(library: Any, photo: str) -> dict[str, Any]:
    """All that is cheap."""
    image = library.load_image_file(photo)
    places = library.face_locations(image)
    grey = library.load_image_file(photo, mode="L")
    return {
        "shape": image.shape,
        "sum": int(image.sum(dtype="int64")),
        "grey_sum": int(grey.sum(dtype="int64")),
        "places": places,
        "plain_places": library.face_locations(image, 0),
        "grey_places": library.face_locations(grey, 0),
        "large_landmarks": library.face_landmarks(image, places),
        "small_landmarks": library.face_landmarks(image, places, "small"),
        "encodings": [v.tolist() for v in library.face_encodings(image)],
        "large_encodings": [
            v.tolist() for v in library.face_encodings(image, places, model="large")
        ],
    }


if __name__ == "__main__":
    main()
