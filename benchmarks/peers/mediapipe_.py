"""Teachers of the parser: MediaPipe's selfie segmentation and face mesh (both Apache-2.0), over crops.

    INTERPRETER benchmarks/peers/mediapipe_.py CROPS.npz OUT.npz

in an environment of its own with mediapipe 0.10.14. CROPS.npz holds `crops` (N, 320, 320, 3) uint8 RGB.
OUT.npz gets `person` (N, 160, 160) uint8, 255 where a person is sure, and `points` (N, 478, 2) float32,
pixels of a crop of 160, NaN where no face was found.
"""

from __future__ import annotations

import sys

import cv2
import mediapipe  # type: ignore[import-not-found]
import numpy as np

SIDE = 160
LEFT, TOP, RIGHT, BOTTOM = 30, 40, 290, 290
"""Where the face is in a crop of 320: the mesh looks for it there."""


def main() -> None:
    crops = np.load(sys.argv[1])["crops"]
    person = np.zeros((len(crops), SIDE, SIDE), np.uint8)
    points = np.full((len(crops), 478, 2), np.nan, np.float32)
    solutions = mediapipe.solutions
    selfie = solutions.selfie_segmentation.SelfieSegmentation(model_selection=0)
    mesh = solutions.face_mesh.FaceMesh(
        static_image_mode=True,
        refine_landmarks=True,
        max_num_faces=1,
        min_detection_confidence=0.2,
    )
    for row, crop in enumerate(crops):
        sure = selfie.process(crop).segmentation_mask
        small = cv2.resize(sure, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        person[row] = np.clip(small * 255, 0, 255)
        found = mesh.process(crop[TOP:BOTTOM, LEFT:RIGHT].copy()).multi_face_landmarks
        if found:
            shares = np.array([(one.x, one.y) for one in found[0].landmark])
            pixels = shares * (RIGHT - LEFT, BOTTOM - TOP) + (LEFT, TOP)
            points[row] = (pixels + 0.5) / 2 - 0.5
    np.savez(sys.argv[2], person=person, points=points)


if __name__ == "__main__":
    main()
