"""What the models of some settings are called, and what is done before faces are cut out."""

from pathlib import Path

import numpy as np
import pytest

from faceprint.pipeline.models import Models
from faceprint.settings import Settings
from faceprint.zoo import CARDS

SFACE = CARDS["sface"].model_id


def models(tmp_path: Path, **fields: object) -> Models:
    given = {"weights": tmp_path, "cache": tmp_path, "offline": True}
    return Models(Settings.model_validate(given | fields))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"refine": False}, SFACE),
        ({"refine": True}, f"{SFACE}+onet"),
        ({"refine": True, "flip": True}, f"{SFACE}+flip+onet"),
        ({"refine": True, "detector": "mtcnn"}, SFACE),
        ({"refine": True, "detector": "dlib-hog"}, SFACE),
        ({"refine": True, "embedder": "fusion"}, f"{CARDS['fusion'].model_id}+onet"),
    ],
    ids=["as they are", "refined", "flipped", "fine already", "located", "fusion"],
)
def test_refined_landmarks_are_part_of_the_model_id(
    fields: dict[str, object], expected: str, tmp_path: Path
) -> None:
    assert models(tmp_path, **fields).model_id == expected


def test_no_faces_need_no_refiner(tmp_path: Path) -> None:
    some = models(tmp_path, refine=True)
    assert some.with_landmarks(np.zeros((9, 9, 3), np.uint8), ()) == ()
