"""Data to train on: sources read, faces cut out into shards, copies found, photos split into parts."""

from faceprint.train.data.records import Sample, Source
from faceprint.train.data.shards import PreparedDataset
from faceprint.train.data.splits import Split, make_split, read_split, write_split

__all__ = [
    "PreparedDataset",
    "Sample",
    "Source",
    "Split",
    "make_split",
    "read_split",
    "write_split",
]
