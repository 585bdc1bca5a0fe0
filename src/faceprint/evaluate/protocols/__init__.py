"""Published and own lists of pairs and people, read into one form."""

from faceprint.evaluate.protocols.cfp import read_cfp
from faceprint.evaluate.protocols.lfw import read_lfw
from faceprint.evaluate.protocols.pairs import FitPhotos, PairList
from faceprint.evaluate.protocols.people import PeopleFolder, read_people
from faceprint.evaluate.protocols.tables import read_pair_table

__all__ = [
    "FitPhotos",
    "PairList",
    "PeopleFolder",
    "read_cfp",
    "read_lfw",
    "read_pair_table",
    "read_people",
]
