"""Liveness: a person before the camera, or a picture of one. One file for each model, and a challenge.

A passive check looks at one picture for what a print or a screen leaves in it: edges, grain, moiré, a cast of
colour. It was taught with attacks that others made with other cameras, knows nothing of masks, face swaps or
pictures that reach the software without a camera, and can be probed until something passes. `LIVENESS_NOTE`
says so in a few words, and stands wherever a score is shown.

The challenge (`faceprint.liveness.challenge`) asks a person to turn, blink and smile in an order drawn at
that moment. It stops a photo that is held up, and a film that was made before. It does not stop whoever can
answer it: a face swap that runs live, a film that is cut while it plays, and, for its turns alone, a photo
that is bent and turned.

Neither is a certified test of presentation attacks (ISO/IEC 30107-3), and none may stand alone between a
stranger and something worth having.
"""

from importlib import import_module
from typing import Final

from faceprint.runtime import RuntimeOptions
from faceprint.types import LivenessModel
from faceprint.zoo import WeightStore

__all__ = ["LIVENESS_NOTE", "load_liveness"]

LIVENESS_NOTE: Final = (
    "A hint, not protection. The score tells how much one picture looks like a person before the camera "
    "rather than a print or a screen. Good prints and screens, masks and face swaps can pass, and small, "
    "dark or compressed pictures of real people can fail. Never let it decide alone."
)
"""What people are told beside a score."""


def load_liveness(name: str, store: WeightStore, options: RuntimeOptions) -> LivenessModel:
    """The test of liveness of that card.

    Raises:
        UnknownModelError: No test of liveness has that name.
        ModelError: Its weights cannot be had or run; see `WeightStore.files` and `open_session`.
    """
    found = store.resolve(store.card(name, kind="liveness"))
    module = import_module(f"faceprint.liveness.{found.implementation}")
    loaded: LivenessModel = module.build(found, store, options)
    return loaded
