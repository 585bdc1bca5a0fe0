"""Looking at a prepared dataset before training on it: who is in it, in what state, and what is wrong."""

from faceprint.train.data.explore.embedding import crop_vectors, why_unfit
from faceprint.train.data.explore.reporting import exploration_report
from faceprint.train.data.explore.suspects import Faces, Suspect, Twin, find_suspects

__all__ = [
    "Faces",
    "Suspect",
    "Twin",
    "crop_vectors",
    "exploration_report",
    "find_suspects",
    "why_unfit",
]
