"""Programs written for face_recognition, as people write them, with nothing but the import changed."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("dlib") is None, reason="needs the extra dlib"),
]

FIND = """
import sys
import face_recognition
from PIL import Image

image = face_recognition.load_image_file(sys.argv[1] + "/test/kit_with_rose.jpg")
face_locations = face_recognition.face_locations(image)
print(f"I found {len(face_locations)} face(s) in this photograph.")
for face_location in face_locations:
    top, right, bottom, left = face_location
    print(f"Top: {top}, Left: {left}, Bottom: {bottom}, Right: {right}")
    print(Image.fromarray(image[top:bottom, left:right]).size)
print(face_recognition.face_locations(image, number_of_times_to_upsample=0, model="hog"))
"""

FEATURES = """
import sys
import face_recognition
from PIL import Image, ImageDraw

image = face_recognition.load_image_file(sys.argv[1] + "/test/kit_with_rose.jpg")
picture = Image.fromarray(image)
draw = ImageDraw.Draw(picture)
for face_landmarks in face_recognition.face_landmarks(image):
    for facial_feature in face_landmarks.keys():
        print(facial_feature, face_landmarks[facial_feature])
        draw.line(face_landmarks[facial_feature], width=5)
for face_landmarks in face_recognition.face_landmarks(image, model="small"):
    print(face_landmarks)
"""

RECOGNISE = """
import sys
import face_recognition

folder = sys.argv[1]
rose_image = face_recognition.load_image_file(folder + "/train/rose_leslie/img2.jpg")
obama_image = face_recognition.load_image_file(folder + "/obama2.jpg")
unknown_image = face_recognition.load_image_file(folder + "/test/kit_with_rose.jpg")
try:
    rose_encoding = face_recognition.face_encodings(rose_image)[0]
    obama_encoding = face_recognition.face_encodings(obama_image)[0]
    unknown_encodings = face_recognition.face_encodings(unknown_image)
except IndexError:
    print("I wasn't able to locate any faces in at least one of the images.")
    sys.exit(1)
known_faces = [rose_encoding, obama_encoding]
for unknown_encoding in unknown_encodings:
    results = face_recognition.compare_faces(known_faces, unknown_encoding)
    print("Is it Rose?", results[0])
    print("Is it Obama?", results[1])
    print("Somebody new?", not True in results)
    for i, face_distance in enumerate(face_recognition.face_distance(known_faces, unknown_encoding)):
        print("{:.4f} {}".format(face_distance, face_distance < 0.5))
"""

CAMERA = """
import sys
import numpy as np
import face_recognition
from PIL import Image

shot = np.array(Image.open(sys.argv[1] + "/two_people.jpg").convert("RGB"))
frame = shot[:, :, ::-1]  # a camera gives blue first
small_frame = frame[::2, ::2]
rgb_small_frame = np.ascontiguousarray(small_frame[:, :, ::-1])
face_locations = face_recognition.face_locations(rgb_small_frame)
face_encodings = face_recognition.face_encodings(rgb_small_frame, face_locations)
face_names = []
for face_encoding in face_encodings:
    matches = face_recognition.compare_faces([face_encodings[0]], face_encoding, tolerance=0.6)
    name = "Unknown"
    if True in matches:
        first_match_index = matches.index(True)
        name = ["The first"][first_match_index]
    face_names.append(name)
for (top, right, bottom, left), name in zip(face_locations, face_names):
    print(top * 2, right * 2, bottom * 2, left * 2, name)
"""

BATCHES = """
import sys
import face_recognition

photo = sys.argv[1] + "/../lfw/Aaron_Peirsol/Aaron_Peirsol_0001.jpg"
frames = [face_recognition.load_image_file(photo)] * 2
batch_of_face_locations = face_recognition.batch_face_locations(frames, number_of_times_to_upsample=0)
for frame_number_in_batch, face_locations in enumerate(batch_of_face_locations):
    print(frame_number_in_batch, face_locations)
"""

SAID = {
    "find": (FIND, "I found 2 face(s)"),
    "features": (FEATURES, "chin [("),
    "recognise": (RECOGNISE, "Is it Rose? True\nIs it Obama? False\nSomebody new? False"),
    "camera": (CAMERA, "The first\n"),
    "batches": (BATCHES, "0 [("),
}


def run(program: str, folder: Path, cache: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, str(folder)],
        env={**os.environ, "FACEPRINT_CACHE": str(cache), "FACEPRINT_OFFLINE": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", SAID)
def test_a_program_says_the_same(name: str, data_root: Path, cache_root: Path) -> None:
    program, words = SAID[name]
    changed = program.replace(
        "import face_recognition", "from faceprint.compat import face_recognition"
    )
    assert changed != program
    said = run(changed, data_root / "people", cache_root)
    assert words in said
    if find_spec("face_recognition") is not None and find_spec("pkg_resources") is not None:
        assert said == run(program, data_root / "people", cache_root)
