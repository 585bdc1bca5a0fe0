"""From the many windows that pass around each face to one find a face."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from faceprint.geometry import iou_matrix, suppress
from faceprint.types import FloatArray

__all__ = ["Groups", "group_windows"]

_ALIKE: Final = 0.55
"""Windows that overlap the surest of a group by more than this belong to it."""
_APART: Final = 0.25
"""Groups that overlap a surer one by more than this are dropped."""
_NESTED: Final = 0.7
"""So are those of which this share lies in a surer one."""
_MOST_WINDOWS: Final = 20_000
_MOST_GROUPS: Final = 2_000
"""Every group is compared with every other."""


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """What stands for the windows of each group.

    Attributes:
        windows: (G, 4) float32 pixels, the mean of the group weighted by evidence.
        evidence: (G,) float32, the sum of the group's; the largest first.
    """

    windows: FloatArray
    evidence: FloatArray


def group_windows(windows: FloatArray, evidence: FloatArray) -> Groups:
    """Puts windows that overlap together.

    The surest window gathers all that overlap it, then the surest of the rest, and so on; a group is as
    sure as its windows together. That groups cannot grow along chains keeps neighbouring faces apart.

    A weak cascade takes most of a photo for faces, and only so much of that is looked at: the 20,000 surest
    windows, and of the groups that they make the 2,000 with the surest windows.

    Args:
        windows: (N, 4) float32 pixels.
        evidence: (N,) float32, above 0: how sure each is.
    """
    left = np.argsort(-evidence, kind="stable")[:_MOST_WINDOWS]
    means: list[FloatArray] = []
    sums: list[np.float32] = []
    while len(left) and len(means) < _MOST_GROUPS:
        near = iou_matrix(windows[left[:1]], windows[left])[0] > _ALIKE
        near[0] = True
        members = left[near]
        weights = evidence[members]
        means.append((windows[members] * weights[:, None]).sum(axis=0) / weights.sum())
        sums.append(weights.sum())
        left = left[~near]
    found = np.array(means, dtype=np.float32).reshape(-1, 4)
    total = np.array(sums, dtype=np.float32)
    kept = suppress(found, total, iou=_APART)
    kept = kept[suppress(found[kept], total[kept], iou=_NESTED, of_smaller=True)]
    return Groups(found[kept], total[kept])
