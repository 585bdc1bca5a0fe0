import numpy as np

from faceprint.pipeline.results import Detection
from faceprint.types import Face, Quality


def test_the_quality_of_a_face_is_a_number_with_its_parts_beside() -> None:
    pixels = np.zeros((4, 4, 3), np.uint8)
    quality = Quality(0.51234, sharpness=0.4, size=1, frontality=0.9, confidence=0.8, exposure=0.3)
    faces = (Face(np.zeros(4, np.float32), 0.9, quality=quality), Face(np.zeros(4, np.float32), 1))
    first, second = Detection("a", 4, 4, faces, pixels, "0").to_dict()["faces"]
    assert first["quality"] == 0.512
    assert first["quality_parts"]["exposure"] == 0.3
    assert "score" not in first["quality_parts"]
    assert "embedding" not in first["quality_parts"], "it is not known here"
    assert "quality" not in second
