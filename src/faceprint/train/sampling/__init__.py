"""What a network is shown: pairs, triplets and batches, drawn anew from a seed. NumPy only.

All of them take `identity`, (N,) int64: a number for each person, -1 where it is not known who a photo
shows. They give indices into that array.
"""

from faceprint.train.sampling.batches import identity_batches, photo_batches
from faceprint.train.sampling.pairs import Pairs, random_pairs
from faceprint.train.sampling.triplets import random_triplets

__all__ = ["Pairs", "identity_batches", "photo_batches", "random_pairs", "random_triplets"]
