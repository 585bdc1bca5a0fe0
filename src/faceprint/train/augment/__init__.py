"""What is done to crops in training, so that a network learns the face and not the photo."""

from faceprint.train.augment.batches import Augmenter

__all__ = ["Augmenter"]
