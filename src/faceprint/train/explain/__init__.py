"""What a trained network sees: its first filters, its feature maps, and which parts of a face it goes by.

Needs no PyTorch; `layers` and `gradients`, which look into PyTorch modules, do.
"""

from faceprint.train.explain.occlusion import OcclusionMap, Score, likeness, occlusion_map
from faceprint.train.explain.onnx_networks import OnnxNetwork
from faceprint.train.explain.pictures import (
    beside,
    feature_picture,
    filter_picture,
    heat_picture,
    signed_picture,
)

__all__ = [
    "OcclusionMap",
    "OnnxNetwork",
    "Score",
    "beside",
    "feature_picture",
    "filter_picture",
    "heat_picture",
    "likeness",
    "occlusion_map",
    "signed_picture",
]
