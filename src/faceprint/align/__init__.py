"""Cuts faces out for the embedders: five-point similarity alignment, or a box with a margin."""

from faceprint.align.crops import (
    ALIGNMENTS,
    BOX_ALIGNMENTS,
    Alignment,
    crop,
    crop_boxes,
    crop_matrices,
    crop_mtcnn_boxes,
    similarity,
)

__all__ = [
    "ALIGNMENTS",
    "BOX_ALIGNMENTS",
    "Alignment",
    "crop",
    "crop_boxes",
    "crop_matrices",
    "crop_mtcnn_boxes",
    "similarity",
]
