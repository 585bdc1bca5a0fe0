"""From a trained network to a model that all of faceprint can use.

Imports no PyTorch: what needs it asks for it when it runs.
"""

from faceprint.train.export.calibrating import calibration_from
from faceprint.train.export.cost import QuantisationCost, quantisation_cost
from faceprint.train.export.folder import ModelFolder, read_model, write_model
from faceprint.train.export.network import differences, example_inputs, export_head, export_onnx
from faceprint.train.export.quantising import LEAST_CROPS, quantise
from faceprint.train.export.smaller import Smaller, quantise_model

__all__ = [
    "LEAST_CROPS",
    "ModelFolder",
    "QuantisationCost",
    "Smaller",
    "calibration_from",
    "differences",
    "example_inputs",
    "export_head",
    "export_onnx",
    "quantisation_cost",
    "quantise",
    "quantise_model",
    "read_model",
    "write_model",
]
