"""The functions of face_recognition 1.3.0 over faceprint: change one import, and programs go on as they are.

    from faceprint.compat import face_recognition

    image = face_recognition.load_image_file("group.jpg")
    for top, right, bottom, left in face_recognition.face_locations(image):
        ...

Names, arguments, order of numbers and results are those of face_recognition, from the same weights of dlib,
which the extra "dlib" installs. They are loaded at first use, by their digests, and all functions are safe to
call from several threads. What differs is told in docs/coming-from-face-recognition.md.

These functions compare by Euclidean distance, as face_recognition does, and 0.6 is its number: how often it
is wrong, nobody promises. `faceprint.Faceprint` has measured thresholds, a gallery and consent.
"""

from faceprint.compat.face_recognition.api import (
    batch_face_encodings,
    batch_face_locations,
    compare_faces,
    face_distance,
    face_encodings,
    face_landmarks,
    face_locations,
    load_image_file,
)

__all__ = [
    "batch_face_encodings",
    "batch_face_locations",
    "compare_faces",
    "face_distance",
    "face_encodings",
    "face_landmarks",
    "face_locations",
    "load_image_file",
]
