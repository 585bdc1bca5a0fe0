"""One side of `compat.py`, in a process of its own: times face_recognition or faceprint in its place.

python benchmarks/compat_run.py LIBRARY ASKED.json RESULTS.json
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

WARM_UP = 3


def main() -> None:
    library, asked, results = sys.argv[1], *map(Path, sys.argv[2:])
    job = json.loads(asked.read_text())
    results.write_text(json.dumps(run(load(library), job["photos"], job["slow_photos"])))


def load(name: str) -> Any:
    if name == "faceprint":
        from faceprint.compat import face_recognition

        return face_recognition
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import face_recognition as reference

        return reference


def run(library: Any, photos: Sequence[str], slow_photos: Sequence[str]) -> dict[str, Any]:
    """Seconds of each part, on the clock and of all cores together, and what came out."""
    images = [library.load_image_file(photo) for photo in photos]
    slow = [library.load_image_file(photo) for photo in slow_photos]
    batch = getattr(library, "batch_face_encodings", None) or partial(map_encodings, library)
    batch(images[:WARM_UP])
    whole_program(library, photos[:WARM_UP])
    library.face_landmarks(images[0])
    library.face_locations(images[0], 0, "cnn")
    seconds: dict[str, tuple[float, float]] = {}

    def timed(what: str, work: Callable[[], Any]) -> Any:
        start, start_cpu = perf_counter(), process_time()
        result = work()
        seconds[what] = perf_counter() - start, process_time() - start_cpu
        return result

    found = timed("photo by photo, from disk", lambda: whole_program(library, photos))
    places = timed("face_locations, hog", lambda: [library.face_locations(i) for i in images])
    pairs = list(zip(images, places, strict=True))
    timed("face_encodings of known places", lambda: [library.face_encodings(*p) for p in pairs])
    timed("face_landmarks of known places", lambda: [library.face_landmarks(*p) for p in pairs])
    timed("batch_face_encodings", lambda: batch(images))
    boxes = timed(
        "face_locations, cnn", lambda: [library.face_locations(i, model="cnn") for i in slow]
    )
    return {
        "seconds": seconds,
        "faces": {"hog": sum(map(len, places)), "cnn": sum(map(len, boxes))},
        "places": [places, boxes],
        "encodings": [[vector.tolist() for vector in some] for some in found],
    }


def map_encodings(library: Any, images: Sequence[Any]) -> list[Any]:
    """What stands for a batch where there is none."""
    return [library.face_encodings(image) for image in images]


def whole_program(library: Any, photos: Sequence[str]) -> list[Any]:
    """What a program does: open, find, encode."""
    return [library.face_encodings(library.load_image_file(photo)) for photo in photos]


if __name__ == "__main__":
    main()
