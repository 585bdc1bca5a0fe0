"""Cards of the networks that faceprint trained and comes with.

They learnt from photos that were published for research, and from embedders whose own data are not
documented: their terms forbid commercial use. docs/training.md has the commands that made them.
"""

from __future__ import annotations

from faceprint.zoo.cards import Licence, ModelCard, OwnResource, WeightFile

__all__ = ["OURS"]

_APACHE = Licence("Apache-2.0", "allowed")
_RESEARCH = Licence("research only, as its training data", "forbidden")


def _file(room: str, name: str, digest: str, size_bytes: int) -> WeightFile:
    source = OwnResource(f"{room}/weights/{name}")
    return WeightFile(name, f"sha256:{digest}", size_bytes, (source,))


OURS: tuple[ModelCard, ...] = ()
"""All of them."""
