"""The tables of docs/classics.md; see tables.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from table_parts import percent, rows_of, table

__all__ = ["CLASSIC_TABLES"]


def _classics() -> str:
    """The cascade beside LBP, YuNet and MTCNN."""
    found = {(row["set"], row["detector"]): row for row in rows_of("classics")}
    labels = {
        "viola-jones": "`viola-jones`",
        "lbp": "LBP cascade of scikit-image",
        "yunet": "YuNet, the default",
        "mtcnn": "MTCNN",
    }
    rows = []
    for name, label in labels.items():
        lfw, crowds = found["lfw", name], found["detection", name]
        rows.append(
            [
                label,
                "the teacher" if lfw["teacher"] else percent(lfw["found_share"]),
                "-" if lfw["teacher"] else f"{float(lfw['wrong_per_photo']):.2f}",
                percent(crowds["found_share"]),
                percent(found["detection, 30 px high, bare", name]["found_share"]),
                f"{float(crowds['wrong_per_photo']):.2f}",
                f"{float(found['384 x 288, one core', name]['fps']):.0f}",
            ]
        )
    head = [
        "Detectors",
        "central faces of 1,549 portraits (LFW)",
        "wrong finds a photo there",
        "faces in 427 photos of crowds",
        "bare ones of 30 px and more",
        "wrong finds a photo there",
        "frames/s of 384 × 288, one core",
    ]
    return table(head, rows, "classics")


def _localizer() -> str:
    """The localiser and its teacher on crops and photos that neither has seen."""
    wanted = {
        ("crops", "mean IoU"): "mean overlap (IoU) of its boxes, crops with a face",
        ("crops", "right on face or no face"): "right on face or no face, crops",
        ("crops", "missed"): "faces missed, crops",
        ("crops", "seen where there is none"): "faces seen where there is none, crops",
        ("lfw", "found"): "central faces found, LFW photos of pairsDevTest",
        ("interview.mp4", "found"): "frames of a video with one person in which it is found",
        ("640 x 480", "ms"): "milliseconds for a frame of 640 × 480",
    }
    found = {(row["set"], row["figure"], row["detector"]): row for row in rows_of("localizer")}
    rows = []
    for (place, figure), words in wanted.items():
        cells = [words]
        for detector in ("localizer", "yunet"):
            row = found.get((place, figure, detector))
            if row is None:
                cells.append("the teacher")
            elif figure == "ms":
                cells.append(f"{float(row['value']):.1f}")
            elif figure == "mean IoU":
                cells.append(f"{float(row['value']):.3f}")
            else:
                cells.append(percent(row["value"]))
        rows.append(cells)
    return table(["Held-out people and photos", "`localizer`", "YuNet"], rows, "localizer")


def _parsing() -> str:
    """Parsers beside polygons drawn by hand."""
    found = {(row["what"], row["of"], row["parser"]): row for row in rows_of("parsing")}
    of = (
        "face",
        "skin",
        "hair",
        "neck",
        "clothes",
        "nose",
        "eyes",
        "brows",
        "lips and mouth",
        "ears",
        "glasses",
        "hat",
    )
    parsers = ("faceprint-parser", "grabcut")
    rows = []
    for name in of:
        cells = [f"overlap (IoU): {'the whole face' if name == 'face' else name}"]
        keys = [("iou", name, parser) for parser in parsers]
        keys.append(("iou of those held out", name, parsers[0]))
        shown = [f"{float(found[key]['value']):.2f}" if key in found else "-" for key in keys]
        rows.append([*cells, *shown])
    for what, name, words in (
        ("pixels right", "all", "pixels right"),
        ("covered_auc", "masks or none", "tells masked faces from bare ones (AUC)"),
    ):
        some = [f"{float(found[what, name, parser]['value']):.2f}" for parser in parsers]
        one = found.get((f"{what} of those held out", name, parsers[0]))
        rows.append([words, *some, "-" if one is None else f"{float(one['value']):.2f}"])
    photos, held_out = (
        found[f"pixels right{which}", "all", parsers[0]]["count"]
        for which in ("", " of those held out")
    )
    head = [f"{photos} photos of LFW with polygons", *(f"`{name}`" for name in parsers)]
    return table([*head, f"{held_out} of them held out, `{parsers[0]}`"], rows, "parsing")


def _pose() -> str:
    """How far the two estimators agree, with each other and with themselves."""
    words = {
        "landmarks less fsanet": "between the two",
        "mirrored": "with the mirrored photo",
        "turned by -15 degrees": "with the photo turned by 15° to the left",
        "turned by 30 degrees": "with the photo turned by 30° to the right",
    }
    rows = []
    for row in rows_of("pose"):
        if row["set"] == "lfw" and row["what"] in words:
            label = "" if row["estimator"] == "all" else f", `{row['estimator']}`"
            cells = [f"{float(row[f'{angle}_mad']):.1f}°" for angle in ("yaw", "pitch", "roll")]
            rows.append([f"{words[row['what']]}{label}", *cells])
    head = ["Mean difference over 400 photos of LFW", "yaw", "pitch", "roll"]
    return table(head, rows, "pose")


def _liveness() -> str:
    """The passive check on simulated attacks."""
    sources = {"people": "photos of public figures", "lfw": "LFW", "video": "video", "all": "all"}
    rows = [
        [
            f"{sources[row['source']]}: {row['simulated']}",
            f"{float(row['auc']):.3f}",
            percent(row["genuine_refused_at_0.5"]),
            percent(row["spoofs_passed_at_0.5"]),
            percent(row["spoofs_passed_at_threshold_95"]),
        ]
        for row in rows_of("liveness")
    ]
    head = [
        "Simulated attacks",
        "AUC",
        "people below 0.5",
        "attacks above 0.5",
        "attacks that pass where 5 % of the people fail",
    ]
    return table(head, rows, "liveness")


CLASSIC_TABLES: Mapping[str, Callable[[], str]] = MappingProxyType(
    {
        "classics": _classics,
        "localizer": _localizer,
        "parsing": _parsing,
        "pose": _pose,
        "liveness": _liveness,
    }
)
"""By the name in the page."""
