"""Says whose faces photos show, by the nearest neighbours among the photos of a folder per person.

Written for face_recognition but for one import. Run it with::

    pip install 'faceprint[dlib]' scikit-learn
    python examples/face_recognition/classify_faces.py PEOPLE PHOTO [PHOTO ...]

PEOPLE is a folder with a folder of photos for each person; those without a face or with several are left out.
"""

from __future__ import annotations

import math
from pathlib import Path

import typer
from sklearn.neighbors import KNeighborsClassifier

from faceprint.compat import face_recognition
from faceprint.compat.face_recognition.face_recognition_cli import image_files_in_folder

UNKNOWN = "unknown"


def main(people: Path, photos: list[Path], tolerance: float = 0.6) -> None:
    """Trains on the folders of people, and names every face of the photos."""
    classifier = train(people)
    for photo in photos:
        found = predict(photo, classifier, tolerance)
        for name, (top, _, _, left) in found:
            typer.echo(f"{photo}: {name} at {left}, {top}")
        if not found:
            typer.echo(f"{photo}: no face")


def train(people: Path) -> KNeighborsClassifier:
    """A classifier of the people's encodings, in which nearer neighbours count more."""
    encodings, names = [], []
    for folder in sorted(path for path in people.iterdir() if path.is_dir()):
        for photo in image_files_in_folder(folder):
            image = face_recognition.load_image_file(photo)
            places = face_recognition.face_locations(image)
            if len(places) == 1:
                encodings.extend(face_recognition.face_encodings(image, places))
                names.append(folder.name)
            else:
                typer.echo(f"{photo} is left out: {len(places)} faces", err=True)
    neighbours = max(1, round(math.sqrt(len(names))))
    classifier = KNeighborsClassifier(n_neighbors=neighbours, weights="distance")
    return classifier.fit(encodings, names)


def predict(
    photo: Path, classifier: KNeighborsClassifier, tolerance: float
) -> list[tuple[str, tuple[int, int, int, int]]]:
    """Name and location of each face; unknown where even the nearest neighbour is too far."""
    image = face_recognition.load_image_file(photo)
    places = face_recognition.face_locations(image)
    if not places:
        return []
    encodings = face_recognition.face_encodings(image, places)
    nearest, _ = classifier.kneighbors(encodings, n_neighbors=1)
    return [
        (str(name) if distance <= tolerance else UNKNOWN, place)
        for name, distance, place in zip(
            classifier.predict(encodings), nearest[:, 0], places, strict=True
        )
    ]


if __name__ == "__main__":
    typer.run(main)
