"""The windows of faces that stages are trained on and measured with."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from faceprint.detect.viola_jones.haar import WINDOW_PX
from faceprint.detect.viola_jones.integral import Grey, inverse_deviations, squared_sums, summed
from faceprint.detect.viola_jones.lookups import Lookups
from faceprint.train.cascade.kernels import judge_windows
from faceprint.train.recipes.cascade import FaceConfig
from faceprint.train.scenes import Scenes
from faceprint.train.scenes.windows import Jitter, face_windows

__all__ = ["chosen_faces", "face_pool", "stages_passed", "validation_faces"]

_VALIDATION_COPIES: Final = 3
_HALF: Final = 0.5
_LEAST_APART: Final = 1e-6


def face_pool(scenes: Scenes, config: FaceConfig, *, seed: int) -> Grey:
    """Windows of the faces of scenes, with copies that are a little off: (N, 24, 24) uint8."""
    jitter = Jitter(config.copies, config.shift, config.scale, config.turn)
    return _windows(scenes, config, jitter, seed)


def validation_faces(scenes: Scenes, config: FaceConfig, *, seed: int) -> Grey:
    """The same of validation scenes: three copies each, half as far off, with their brightness as it is."""
    jitter = Jitter(
        _VALIDATION_COPIES, config.shift * _HALF, config.scale * _HALF, config.turn * _HALF
    )
    still = config.model_copy(update={"gamma": 0.0})
    return _windows(scenes, still, jitter, seed)


def _windows(scenes: Scenes, config: FaceConfig, jitter: Jitter, seed: int) -> Grey:
    windows, _ = face_windows(
        chosen_faces(scenes, config),
        side_px=WINDOW_PX,
        mirrored=config.mirrored,
        jitter=jitter,
        smallest_px=config.smallest_px,
        seed=seed,
    )
    return _bent(windows, config.gamma, seed)


def chosen_faces(scenes: Scenes, config: FaceConfig) -> Scenes:
    """The scenes without faces that are turned to a side, or that the teacher is not sure of.

    Faces without landmarks stay.
    """
    kept = []
    for scene in scenes.scenes:
        eyes, nose = scene.landmarks[:, :2], scene.landmarks[:, 2]
        across = eyes[:, 1] - eyes[:, 0]
        apart = np.maximum(np.linalg.norm(across, axis=1), _LEAST_APART)
        off = ((nose - eyes.mean(axis=1)) * across).sum(axis=1) / apart**2
        rows = ~(np.abs(off) > config.widest) & (scene.scores >= config.surest)
        kept.append(
            replace(
                scene,
                boxes=scene.boxes[rows],
                landmarks=scene.landmarks[rows],
                scores=scene.scores[rows],
            )
        )
    return replace(scenes, scenes=tuple(kept))


def stages_passed(lookups: Lookups, windows: Grey) -> npt.NDArray[np.int64]:
    """How many stages each of (N, S, S) uint8 windows passes before one rejects it: (N,) int64."""
    passed = np.zeros(len(windows), dtype=np.int64)
    if not len(windows):
        return passed
    sums, squares = summed(windows), squared_sums(windows)
    scales = np.ascontiguousarray(inverse_deviations(sums, squares, lookups.side_px)[:, 0, 0])
    columns = lookups.side_px + 1
    judge_windows(
        sums.ravel(),
        scales,
        columns * columns,
        lookups.offsets(columns),
        lookups.weights,
        lookups.counts,
        lookups.thresholds,
        lookups.polarities,
        lookups.alphas,
        lookups.starts,
        lookups.limits,
        passed,
    )
    return passed


def _bent(windows: Grey, strength: float, seed: int) -> Grey:
    """The windows with their brightness bent, each in its own way."""
    if not strength:
        return windows
    random = np.random.default_rng([seed, 1])
    powers = (1 + strength) ** random.uniform(-1, 1, (len(windows), 1, 1)).astype(np.float32)
    bent = 255 * (windows.astype(np.float32) / 255) ** powers
    found: Grey = np.rint(bent).astype(np.uint8)
    return found
