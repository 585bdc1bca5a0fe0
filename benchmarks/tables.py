"""Writes the tables of the README and of docs/classics.md from the CSVs, with the commands that made them.

    python benchmarks/tables.py            # writes both
    python benchmarks/tables.py --check    # fails where a page says something else than the CSVs

A table stands between <!-- table: NAME --> and <!-- end -->; what is between them is generated.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from classic_tables import CLASSIC_TABLES
from table_parts import Row, interval, percent, rows_of, table

_ROOT = Path(__file__).resolve().parent.parent
PAGES = (_ROOT / "README.md", _ROOT / "docs" / "classics.md")
"""What has tables."""

_BLOCK = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def main(
    check: Annotated[
        bool, typer.Option(help="Change nothing; fail where something is old.")
    ] = False,
) -> None:
    """Brings the pages in step with the CSVs."""
    for page in PAGES:
        old = page.read_text("utf-8")
        new = fill(old)
        if old == new:
            continue
        if check:
            typer.echo(
                f"{page.name} is not in step with the CSVs: python benchmarks/tables.py", err=True
            )
            raise typer.Exit(1)
        page.write_text(new, "utf-8")


def fill(text: str) -> str:
    """A text with its tables made anew; an unknown name is an error."""
    return _BLOCK.sub(lambda found: f"{found[1]}{TABLES[found[2]]()}{found[3]}", text)


def accuracy() -> str:
    """LFW view 1 with our own models."""
    detectors = {"yunet": "YuNet", "mtcnn": "MTCNN", "dlib-hog": "dlib HOG"}
    embedders = {"sface": "SFace", "mobilefacenet": "MobileFaceNet", "dlib-resnet": "dlib ResNet"}
    rows = []
    for row in rows_of("lfw_view1"):
        name = f"{detectors[row['detector']]} + {embedders.get(row['embedder'], row['embedder'])}"
        if row["detector"] == "yunet" and row["refine"] == "False":
            name += ", landmarks not refined"
        if row["flip"] == "True":
            name += ", flip averaging"
        misses = (
            interval(row, f"test_fnmr_at_{rate}") if row[f"test_fnmr_at_{rate}"] else "-"
            for rate in ("1e-3", "1e-4")
        )
        rows.append([name, interval(row, "test_accuracy"), *misses])
    head = [
        "LFW view 1, 1,000 test pairs (95 % intervals)",
        "accuracy",
        "misses at 1 false match in 1,000",
        "in 10,000",
    ]
    return table(head, rows, "lfw_view1")


def search() -> str:
    """Galleries of a million templates."""
    words = {
        "float32": "exact, float32",
        "int8": "exact, through int8",
        "4 bit": "approximate, 4 bit",
    }
    found = [
        row for row in rows_of("scaling") if row["part"] == "lifelike" and row["size"] == "1000000"
    ]
    rows = [
        [
            words.get(row["method"], row["method"].replace("hnsw", "HNSW, breadth")),
            f"{float(row['ms_median']):.1f}",
            f"{float(row['ms_p95']):.1f}",
            percent(row["recall_at_5"], 2),
            f"{float(row['memory_mb']):.0f}",
        ]
        for row in found
    ]
    head = [
        "A million templates of 128 numbers, the five most alike people",
        "ms (median)",
        "ms (95th percentile)",
        "of the true five",
        "MB",
    ]
    return table(head, rows, "scaling")


def throughput() -> str:
    """Photos per second beside other libraries."""
    words = {
        "faceprint": "faceprint {version} (YuNet + SFace)",
        "opencv": "OpenCV {version} (FaceDetectorYN + FaceRecognizerSF, same weights)",
        "deepface": "DeepFace {version} (YuNet + SFace, same weights)",
        "face_recognition": "face_recognition {version} (dlib)",
        "bound": "bound: bare decoding + bare detector + bare embedder",
    }
    order = list(words)
    rows = sorted(
        rows_of("throughput"),
        key=lambda row: order.index(row["library"]) if row["library"] in words else -1,
    )
    found = []
    for row in rows:
        name = words.get(row["library"], f"{row['library']} {{version}}").format(**row)
        times = row["faceprint_times"]
        if not times:
            found.append([name, "not run", row["note"]])
            continue
        speed = f"{float(row['photos_per_second']):.0f}"
        if row["library"] == "faceprint":
            found.append([name, speed, ""])
        elif row["library"] == "bound":
            found.append([name, speed, f"at {float(times):.0%} of it"])
        else:
            found.append([name, speed, f"{float(times):.3g} times as fast"])
    head = ["LFW photos from disk to embeddings, one run", "photos/s", "faceprint is"]
    return table(head, found, "throughput")


def peers() -> str:
    """Accuracy and speed beside other libraries, each with its own detector and score."""
    words = {
        "faceprint": "faceprint {version} (YuNet + SFace)",
        "fusion": "faceprint {version}, `--embedder fusion`",
        "opencv": "OpenCV {version} (FaceDetectorYN + FaceRecognizerSF, same weights)",
        "deepface": "DeepFace {version} (YuNet + SFace, same weights)",
        "face_recognition": "face_recognition {version} (dlib)",
        "uniface": "UniFace {version} (RetinaFace + EdgeFace)",
        "insightface": "InsightFace {version} (buffalo_l)",
    }
    found = []
    for row in rows_of("peers"):
        name = words[row["library"]].format(**row)
        if not row["photos"]:
            found.append([name, row["note"], "", "", ""])
            continue
        found.append(
            [
                name,
                interval(row, "test_accuracy"),
                interval(row, "fnmr_at_1e-2"),
                f"{row['photos_without_face']} of {int(row['photos']):,}",
                f"{float(row['photos_per_second']):.0f}",
            ]
        )
    head = [
        "LFW view 1, one run",
        "accuracy on the test pairs (95 %)",
        "FNMR at FMR 1e-2 (95 %)",
        "photos without a face",
        "photos/s",
    ]
    return table(head, found, "peers")


def video() -> str:
    """Videos against the time that they play."""
    words = {
        "street (1080p)": "a crowd in the street, 1080p",
        "hamilton (720p)": "a concert with cuts to the audience, 720p",
        "interview": "one person talking, 512 × 512",
    }
    stages: dict[str, Row] = {}
    people: dict[str, str] = {}
    for row in rows_of("video"):
        stages.setdefault(row["video"], {})[row["stage"]] = row["times_real_time"]
        people[row["video"]] = row["people"]
    rows = [
        [
            label,
            people[name],
            f"{float(stages[name]['identify']):.1f}",
            f"{float(stages[name]['identify + labelled']):.1f}",
        ]
        for name, label in words.items()
    ]
    head = [
        "Videos, from file to timeline, detection six times a second",
        "people",
        "times as fast as it plays",
        "with the labelled video too",
    ]
    return table(head, rows, "video")


def detection() -> str:
    """MTCNN beside YuNet and facenet-pytorch's."""
    found = {(row["set"], row["what"]): row for row in rows_of("mtcnn")}
    speed = "lfw, speed"
    peer = next(row for (_, what), row in found.items() if what.startswith("facenet-pytorch"))
    rows = []
    for name, label in (("yunet", "YuNet, the default"), ("mtcnn", "MTCNN")):
        lfw, crowd = found["lfw", name], found["detection", name]
        one = found.get((speed, f"{name}, one thread"))
        rows.append(
            [
                label,
                f"{lfw['persons_found']} of {lfw['photos']}",
                percent(crowd["recall"]),
                found["groups", name]["faces"],
                f"{float(found[speed, name]['photos_per_second']):.0f}",
                "-" if one is None else f"{float(one['photos_per_second']):.0f}",
            ]
        )
    speed_of_peer = f"{float(peer['photos_per_second']):.0f}"
    rows.append([peer["what"].partition(",")[0], "-", "-", "-", "-", speed_of_peer])
    head = [
        "Detectors",
        "persons found in LFW's test pairs",
        "of the labelled faces in 427 photos of crowds",
        "faces in 14 group photos",
        "photos/s",
        "on one thread",
    ]
    return table(head, rows, "mtcnn")


def training() -> str:
    """What was trained on LFW's people, on pairs of others."""
    rows = []
    for row in rows_of("training"):
        name = f"`{row['what']}`" if row["recipe"] else row["what"]
        name += "" if row["by"] == "cosine" else ", its classifier"
        rows.append(
            [
                name,
                interval(row, "accuracy"),
                percent(row["fnmr_at_1e-2"]),
                row["ms_per_crop"] or "-",
                row["minutes"] or "-",
            ]
        )
    head = [
        "Trained on people of LFW view 1, tested on 1,000 pairs of others (95 % intervals)",
        "accuracy",
        "misses at 1 false match in 100",
        "ms a crop",
        "minutes of training",
    ]
    return table(head, rows, "training")


def attributes() -> str:
    """Age, gender and emotion beside the baseline and dlib's networks."""
    words = {
        "mean_error_years": "mean error of ages, years",
        "gender_accuracy": "gender right",
        "emotion_accuracy": "emotion right, of seven",
    }
    rows = []
    for row in rows_of("attributes"):
        years = row["figure"] == "mean_error_years"
        value = (
            f"{float(row['value']):.2f} ({float(row['low']):.2f} to {float(row['high']):.2f})"
            if years
            else f"{percent(row['value'])} ({100 * float(row['low']):.1f} to {100 * float(row['high']):.1f})"
        )
        rows.append([words[row["figure"]], row["model"], f"{int(row['faces']):,}", value])
    head = ["Test photos of UTKFace and FER2013", "model", "faces", "value (95 %)"]
    return table(head, rows, "attributes")


def rest() -> str:
    """Memory, start and search."""
    cold = {row["what"]: row for row in rows_of("cold_start")}
    (gallery,) = rows_of("search")
    memory = rows_of("memory")
    rows = [
        [
            f"{int(memory[-1]['photos']):,} photos in a row: peak resident memory",
            f"{float(memory[-1]['peak_rss_mb']):.0f} MB",
        ],
        [
            "`faceprint verify A B` as a new process (median of 9)",
            f"{float(cold['faceprint verify A B']['seconds_median']):.1f} s",
        ],
        [
            f"a gallery of {int(gallery['templates']):,} templates: open and first search",
            f"{float(gallery['open_and_first_search_s_median']):.1f} s",
        ],
        [
            "a search in it (95th percentile)",
            f"{float(gallery['search_ms_median']):.1f} ms ({float(gallery['search_ms_p95']):.1f})",
        ],
    ]
    return table(["Size and start", ""], rows, "memory", "cold_start", "search")


TABLES: dict[str, Callable[[], str]] = {
    "accuracy": accuracy,
    "search": search,
    "throughput": throughput,
    "peers": peers,
    "video": video,
    "detection": detection,
    "training": training,
    "attributes": attributes,
    "rest": rest,
    **CLASSIC_TABLES,
}
"""By the name in a page."""


def blocks(text: str) -> Iterator[str]:
    """Names of the tables that a text asks for."""
    return (found[2] for found in _BLOCK.finditer(text))


if __name__ == "__main__":
    typer.run(main)
