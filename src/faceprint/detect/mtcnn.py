"""MTCNN: three cascaded networks over an image pyramid, with landmarks.

Zhang et al., "Joint Face Detection and Alignment Using Multi-task Cascaded Convolutional Networks",
IEEE SPL 2016. Weights: the authors', as the package `mtcnn` carries them, MIT; trained on WIDER FACE
and CelebA (research only).

All levels of a photo's pyramid lie side by side on one canvas, so that P-Net runs once for a batch
of photos of one size; R-Net and O-Net see the candidates of all photos of a call together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import batched
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from faceprint.detect.mtcnn_network import STAGES, Stage, build_graph, from_keras
from faceprint.detect.mtcnn_pyramid import Pyramid, plan_pyramid
from faceprint.geometry import suppress
from faceprint.runtime import RuntimeOptions, Session, open_session
from faceprint.types import Face, FloatArray, Image
from faceprint.zoo import ModelCard, WeightStore
from faceprint.zoo.arrays import read_joblib

__all__ = ["Mtcnn", "MtcnnOptions", "build"]
