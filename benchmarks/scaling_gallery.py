"""How memory, time and recall of a search grow with the templates of a gallery."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol

import faiss
import numpy as np
from sqlalchemy import Connection, insert

from crowds import Crowd, lfw_likeness, lifelike_crowd, random_crowd
from faceprint.gallery import (
    Call,
    Consent,
    GalleryStore,
    NewTemplate,
    SearchMode,
    open_gallery,
)
from faceprint.gallery.database import Database
from faceprint.gallery.index import ModelIndex, SearchPlan
from faceprint.gallery.memory import TemplateRows
from faceprint.gallery.scans import ByteScan, PackedScan
from faceprint.gallery.schema import models, people, templates
from faceprint.types import FloatArray
from machine import usable_cores
from scaling_photos import Row, peak_mb

K = 5
PROBES = 400
BATCH = 64
BATCHES = 3
COMPARED = 60
HNSW_LINKS = 32
HNSW_BUILD = 40
HNSW_ROWS = 25
ROWS_AT_ONCE = 20_000
MODEL_ID = "random-128:benchmark:1"
CALL = Call(actor="benchmark", purpose="scaling")
PLANS = {
    "float32": SearchPlan("exact", few_rows=0),
    "int8": SearchPlan("auto", has_codes=True, codes_from=1, few_rows=0),
    "4 bit": SearchPlan("approximate", has_codes=True, codes_from=1, few_rows=0),
}


class Engine(Protocol):
    """What finds people in memory."""

    def search(self, probes: FloatArray) -> list[list[int]]:
        """The five most alike people for each probe, best first."""
        ...


class IndexEngine:
    """The product's own index."""

    def __init__(self, rows: TemplateRows, plan: SearchPlan) -> None:
        self.index = ModelIndex.of(rows, sequence=1, plan=plan)

    def search(self, probes: FloatArray) -> list[list[int]]:
        return [[hit.person_key for hit in hits] for hits in self.index.search(probes, k=K)]

    def memory_mb(self) -> float:
        """Size of the rows in use and of their codes, in MB of 1,048,576 bytes."""
        index = self.index
        arrays = (index.vectors, index.template_keys, index.owners, index.dead)
        codes = [
            _size(scan._codes) for scan in index.scans if isinstance(scan, (ByteScan, PackedScan))
        ]
        return (sum(array.nbytes for array in arrays) + sum(codes)) / 2**20


class HnswEngine:
    """A graph by FAISS over float32, whose nearest rows are ranked as people."""

    def __init__(self, rows: TemplateRows, breadth: int) -> None:
        self.owners = rows.owners.copy()
        self.graph: Any = faiss.IndexHNSWFlat(
            rows.vectors.shape[1], HNSW_LINKS, faiss.METRIC_INNER_PRODUCT
        )
        self.graph.hnsw.efConstruction = HNSW_BUILD
        self.graph.add(rows.vectors)
        self.graph.hnsw.efSearch = breadth

    def search(self, probes: FloatArray) -> list[list[int]]:
        faiss.omp_set_num_threads(1 if len(probes) == 1 else usable_cores())
        _, found = self.graph.search(probes, HNSW_ROWS)
        return [list(dict.fromkeys(self.owners[one[one >= 0]].tolist()))[:K] for one in found]

    def memory_mb(self) -> float:
        """Size of the graph, of its vectors and of whose they are, in MB of 1,048,576 bytes."""
        return (_size(self.graph) + self.owners.nbytes) / 2**20


def _size(index: Any) -> int:
    return int(faiss.serialize_index(index).nbytes)


def measure_index(
    data: Path, folder: Path, *, vectors: str, templates: int, methods: Sequence[str]
) -> list[Row]:
    """One engine over one crowd, in memory, without a database: a row per method.

    Several methods are one graph searched with several breadths, as in "hnsw 128".
    """
    crowd = _crowd(data, folder, vectors=vectors, templates=templates)
    rows = TemplateRows(crowd.vectors, np.arange(templates, dtype=np.int64), crowd.owners)
    probes = crowd.probes
    started = perf_counter()
    engine: IndexEngine | HnswEngine
    if methods[0].startswith("hnsw"):
        engine = HnswEngine(rows, breadth=64)
    else:
        engine = IndexEngine(rows, PLANS[methods[0]])
    build_s = perf_counter() - started
    reference = IndexEngine(rows, PLANS["float32"])
    truth = reference.search(probes)
    measured = []
    for method in methods:
        if isinstance(engine, HnswEngine):
            engine.graph.hnsw.efSearch = int(method.split()[1])
        measured.append(
            {
                "method": method,
                "seconds": f"{build_s:.2f}",
                "memory_mb": f"{engine.memory_mb():.1f}",
            }
            | _timed(engine.search, probes)
            | _compared(engine, reference, probes)
            | {"recall_at_5": f"{_recall(engine, probes, truth):.4f}"}
        )
    return measured


def measure_store(folder: Path, *, templates: int, mode: SearchMode) -> list[Row]:
    """The whole gallery on disk: opening, searching, and searching after an enrolment.

    The gallery is made where it is missing, and stays for the next run.
    """
    path = folder / f"random-{templates}.db"
    probes = _filled(path, templates)
    started = perf_counter()
    gallery = open_gallery(path, search=mode)
    gallery.search(probes[:1], model_id=MODEL_ID, call=CALL, k=K)
    opening_s = perf_counter() - started
    times = _timed(lambda some: gallery.search(some, model_id=MODEL_ID, call=CALL, k=K), probes)
    after_ms = []
    for probe in probes[1:20:2]:
        _enrol(gallery, probe)
        started = perf_counter()
        [[first, *_]] = gallery.search(probe[None], model_id=MODEL_ID, call=CALL, k=K)
        after_ms.append(1000 * (perf_counter() - started))
        if first.score < 0.999:
            raise SystemExit(f"Somebody just enrolled came back as {first.name}.")
    gallery.close()
    row = {
        "method": mode,
        "seconds": f"{opening_s:.2f}",
        "after_enrolment_ms": f"{np.median(after_ms):.2f}",
        "memory_mb": f"{peak_mb():.0f}",
    }
    return [row | times]


def _crowd(data: Path, folder: Path, *, vectors: str, templates: int) -> Crowd:
    if vectors == "random":
        return random_crowd(templates, PROBES)
    return lifelike_crowd(lfw_likeness(data, folder / "lfw.npz"), templates, PROBES)


def _timed(search: Callable[[FloatArray], object], probes: FloatArray) -> Row:
    """One probe at a time, and many at once."""
    search(probes[:1])
    alone = [_ms(search, probe[None]) for probe in probes]
    batches = [
        _ms(search, probes[first : first + BATCH]) for first in range(0, BATCH * BATCHES, BATCH)
    ]
    return {
        "ms_median": f"{np.median(alone):.3f}",
        "ms_p95": f"{np.percentile(alone, 95):.3f}",
        "ms_min": f"{min(alone):.3f}",
        "ms_each": f"{np.median(batches) / BATCH:.3f}",
    }


def _compared(engine: Engine, reference: Engine, probes: FloatArray) -> Row:
    """How many times as fast as float32, in turns with it."""
    pairs = [
        (_ms(reference.search, probe[None]), _ms(engine.search, probe[None]))
        for probe in probes[:COMPARED]
    ]
    slow, fast = np.median(pairs, axis=0)
    return {"times_float32": f"{slow / fast:.2f}"}


def _recall(engine: Engine, probes: FloatArray, truth: list[list[int]]) -> float:
    """Share of the true five that are found, one probe at a time."""
    found = [engine.search(probe[None])[0] for probe in probes]
    shares = [
        len(set(some) & set(all_)) / len(all_) for some, all_ in zip(found, truth, strict=True)
    ]
    return float(np.mean(shares))


def _ms(search: Callable[[FloatArray], object], probes: FloatArray) -> float:
    started = perf_counter()
    search(probes)
    return 1000 * (perf_counter() - started)


def _filled(path: Path, templates: int) -> FloatArray:
    """Makes a gallery of random people unless it is there; gives probes for it."""
    crowd = random_crowd(templates, PROBES)
    path.parent.mkdir(parents=True, exist_ok=True)
    gallery = open_gallery(path)
    there = gallery.template_count()
    gallery.close()
    if not there:
        database = Database.open(path, create=False)
        with database.write() as connection:
            _insert(connection, crowd)
        database.close()
    return crowd.probes


def _insert(connection: Connection, crowd: Crowd) -> None:
    """Fills the tables at once: a million ordinary enrolments would take an hour."""
    now = datetime.now(UTC)
    model = {"key": 1, "model_id": MODEL_ID, "dimension": crowd.vectors.shape[1]}
    connection.execute(insert(models).values(model))
    for part in np.array_split(np.unique(crowd.owners), max(1, len(crowd.owners) // ROWS_AT_ONCE)):
        connection.execute(insert(people), [_person_row(int(one), now) for one in part])
    rows = np.arange(len(crowd.owners))
    for part in np.array_split(rows, max(1, len(rows) // ROWS_AT_ONCE)):
        connection.execute(insert(templates), [_template_row(crowd, int(one), now) for one in part])


def _person_row(number: int, now: datetime) -> dict[str, object]:
    return {
        "key": number + 1,
        "person_id": str(uuid.UUID(int=number)),
        "name": f"Person {number:06}",
        "name_key": f"person {number:06}",
        "notes": "",
        "created_at": now,
    }


def _template_row(crowd: Crowd, number: int, now: datetime) -> dict[str, object]:
    return {
        "template_id": str(uuid.UUID(int=number)),
        "person_key": int(crowd.owners[number]) + 1,
        "model_key": 1,
        "detector": "none",
        "source": "random",
        "source_digest": bytes(32),
        "box": bytes(16),
        "quality": 1.0,
        "created_at": now,
        "picture_kind": "crop",
        "vector": crowd.vectors[number].tobytes(),
    }


def _enrol(gallery: GalleryStore, vector: FloatArray) -> None:
    template = NewTemplate(
        vector=vector,
        detector="none",
        source="random",
        source_digest=uuid.uuid4().hex * 2,
        box=np.zeros(4, dtype=np.float32),
        quality=1.0,
    )
    consent = Consent.given("Nobody: random numbers.", "benchmark", by="benchmark")
    gallery.enrol(
        [template], model_id=MODEL_ID, call=CALL, name="Somebody", new=True, consent=consent
    )
