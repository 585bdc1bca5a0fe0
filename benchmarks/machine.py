"""Where and when a figure was measured, and the CSV that carries it."""

from __future__ import annotations

import csv
import os
import platform
import shlex
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

Row = Mapping[str, object]


def describe_machine() -> dict[str, str]:
    """CPU, cores, Python, system, date and command: the columns that every benchmark ends with."""
    return {
        "cpu": _cpu_model(),
        "cores": str(usable_cores()),
        "python": platform.python_version(),
        "os": platform.platform(aliased=True, terse=True),
        "load_before": f"{os.getloadavg()[0]:.2f}",
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%MZ"),
        "command": shlex.join(["python", *sys.argv]),
    }


def usable_cores() -> int:
    """How many cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def write_csv(path: Path, rows: Sequence[Row]) -> None:
    """Writes rows of equal keys with a header; makes the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _cpu_model() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
