"""Cuts faces out for the embedders: five-point similarity alignment, or a box with a margin."""

from faceprint.align.crops import ALIGNMENTS, Alignment, crop, crop_boxes, similarity

__all__ = ["ALIGNMENTS", "Alignment", "crop", "crop_boxes", "similarity"]
