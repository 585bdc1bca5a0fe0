"""A run: it learns, stops, resumes to the same result, and loses nothing where it fails."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from faceprint.embed.backbones import backbone_info, build_backbone
from faceprint.errors import DeviceUnavailableError, InputError, OutputError, TrainingError
from faceprint.train.callbacks import EpochEnd, WholeCheckpoints
from faceprint.train.folders import RunFolder
from faceprint.train.recipes.config import Recipe
from faceprint.train.run import Rows, Trained, check_devices, train_task
from faceprint.train.tasks.base import Batch, Task
from faceprint.train.tasks.embedding import (
    ContrastiveTask,
    EmbeddingTask,
    MarginTask,
    SiameseTask,
    TripletTask,
)
from faceprint.types import FloatArray, Image

_TASKS: dict[str, type[EmbeddingTask]] = {
    "siamese": SiameseTask,
    "contrastive": ContrastiveTask,
    "triplet": TripletTask,
    "margin": MarginTask,
}


class SyntheticCrops:
    """Each person is a pattern of their own, each photo adds noise to it.

    Args:
        people: How many.
        photos: Of each.
        side: Of the crops.
        labels: Each (N,) float32.
    """

    def __init__(
        self,
        people: int = 8,
        photos: int = 6,
        *,
        side: int = 32,
        seed: int = 0,
        labels: Mapping[str, FloatArray] | None = None,
    ) -> None:
        rng = np.random.default_rng(seed)
        own = rng.integers(0, 256, (people, 1, 4, 4, 3))
        # The upper half, and the light, differ from photo to photo and say nothing.
        coarse = np.tile(own, (1, photos, 1, 1, 1))
        coarse[:, :, :2] = rng.integers(0, 256, (people, photos, 2, 4, 3))
        crops = coarse.repeat(side // 4, 2).repeat(side // 4, 3) * 0.6
        crops += rng.uniform(0, 100, (people, photos, 1, 1, 3)) + rng.normal(0, 15, crops.shape)
        crops = np.clip(crops, 0, 255)
        self._crops: Image = crops.reshape(-1, side, side, 3).astype(np.uint8)
        self.identity: npt.NDArray[np.int64] = np.repeat(np.arange(people), photos)
        self.names = tuple(f"{who}/{number}.jpg" for number, who in enumerate(self.identity))
        self.labels: Mapping[str, FloatArray] = labels or {}

    def __len__(self) -> int:
        return len(self._crops)

    def read(self, rows: npt.NDArray[np.int64]) -> Image:
        return self._crops[rows]


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def _recipe(task: str = "margin", **changes: Any) -> Recipe:
    values: dict[str, Any] = {
        "name": "test",
        "task": task,
        "epochs": 3,
        "batch": 16,
        "side_px": 32,
        "network": {"name": "tiny", "dimension": 16},
        "loss": {"margin": 0.2, "scale": 16},
        "optimiser": {"rate": 3e-3, "average": 0.5},
        "sampling": {"pairs": 64, "triplets": 32, "test_pairs": 200},
        "augment": {"shift": 0.05, "colour": 0.2},
    }
    for name, value in changes.items():
        values[name] = values.get(name, {}) | value if isinstance(value, dict) else value
    return Recipe.model_validate(values)


def _task(recipe: Recipe) -> Task:
    torch.manual_seed(recipe.seed)
    network = build_backbone("tiny", dimension=recipe.network.dimension, side_px=recipe.side_px)
    info = backbone_info("tiny")
    return _TASKS[recipe.task](recipe, network, mean=info.mean, std=info.std)


def _rows(data: SyntheticCrops) -> Rows:
    people = data.identity
    parts = [np.flatnonzero(some) for some in (people < 5, people >= 5, people >= 5)]
    return Rows(*parts)


def _train(recipe: Recipe, out: Path, *, resume: bool = False, task: Task | None = None) -> Trained:
    data = SyntheticCrops()
    folder = RunFolder(out)
    folder.open(recipe, {"data": "d"}, resume=resume)
    return train_task(
        task or _task(recipe), data, _rows(data), folder, resume=resume, threads=0, progress=False
    )


@pytest.mark.parametrize("task", list(_TASKS))
def test_every_task_learns_to_tell_people_apart(task: str, tmp_path: Path) -> None:
    changes: dict[str, Any] = {"loss": {"margin": 1.0}} if task == "contrastive" else {}
    if task == "triplet":
        changes = {"sampling": {"people": 6, "photos": 4}}
    elif task != "margin":
        changes |= {"sampling": {"pairs": 320}}
    recipe = _recipe(task, epochs=25, augment={"shift": 0.0}, optimiser={"rate": 1e-2}, **changes)
    data = SyntheticCrops(8, 16)
    rows = np.arange(len(data))
    untrained = _task(recipe)
    untrained.prepare(data, rows)
    before = untrained.measure(data, rows)[untrained.metric]
    folder = RunFolder(tmp_path / "run")
    folder.open(recipe, {}, resume=False)
    trained = train_task(
        _task(recipe), data, Rows(rows, rows, rows), folder, threads=0, progress=False
    )
    after = trained.task.measure(data, rows)[untrained.metric]
    assert before < 0.75
    assert after > (0.8 if task == "siamese" else 0.95)


def test_an_interrupted_run_goes_on_to_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = _recipe(epochs=4)
    whole = _train(recipe, tmp_path / "whole")
    steps = 0
    losses = MarginTask.losses

    def broken_off(self: MarginTask, batch: Batch) -> dict[str, torch.Tensor]:
        nonlocal steps
        steps += 1
        if steps == 6:  # in the middle of the third epoch
            raise KeyboardInterrupt
        return losses(self, batch)

    monkeypatch.setattr(MarginTask, "losses", broken_off)
    with pytest.raises(KeyboardInterrupt):
        _train(recipe, tmp_path / "broken")
    monkeypatch.undo()
    resumed = _train(recipe, tmp_path / "broken", resume=True)
    mine, other = whole.task.state_dict(), resumed.task.state_dict()
    assert mine.keys() == other.keys()
    for name, tensor in mine.items():
        torch.testing.assert_close(tensor, other[name], rtol=0, atol=0, msg=name)
    timed = "seconds"
    rows = [RunFolder(tmp_path / name).rows() for name in ("whole", "broken")]
    kept = [[{k: v for k, v in row.items() if k != timed} for row in some] for some in rows]
    assert kept[0] == kept[1]
    assert [row["epoch"] for row in kept[0]] == ["0", "1", "2", "3"]


def test_a_finished_run_is_not_trained_again(tmp_path: Path) -> None:
    first = _train(_recipe(), tmp_path / "run")
    again = _train(_recipe(), tmp_path / "run", resume=True)
    assert again.epochs == first.epochs == 3
    torch.testing.assert_close(
        next(first.task.result.parameters()), next(again.task.result.parameters())
    )


def test_a_loss_that_is_no_number_stops_and_keeps_the_last_good_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = MarginTask.losses

    def diverging(self: MarginTask, batch: Batch) -> dict[str, torch.Tensor]:
        found = losses(self, batch)
        return {"loss": found["loss"] * float("nan")} if self.current_epoch == 1 else found

    monkeypatch.setattr(MarginTask, "losses", diverging)
    with pytest.raises(TrainingError, match=r"epoch 2.*up to epoch 1 is kept.*optimiser.rate"):
        _train(_recipe(), tmp_path / "run")
    kept = torch.load(RunFolder(tmp_path / "run").last, weights_only=True)
    assert kept["epoch"] == 0
    assert all(torch.isfinite(some.float()).all() for some in kept["state_dict"].values())


def test_a_full_disk_is_said_and_the_checkpoint_before_it_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    from faceprint.files import write_whole as written
    from faceprint.train import callbacks

    count = 0

    def full(path: Path, data: bytes) -> None:
        nonlocal count
        count += 1
        if count > 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        written(path, data)

    monkeypatch.setattr(callbacks, "write_whole", full)
    with pytest.raises(OutputError, match=r"disk is full.*--resume"):
        _train(_recipe(), tmp_path / "run")
    monkeypatch.undo()
    assert torch.load(RunFolder(tmp_path / "run").last, weights_only=True)["epoch"] == 0
    assert _train(_recipe(), tmp_path / "run", resume=True).epochs == 3


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    _train(_recipe(), tmp_path / "run")
    wider = _recipe(network={"name": "tiny", "dimension": 24})
    data = SyntheticCrops()
    with pytest.raises(TrainingError, match="of another network"):
        train_task(
            _task(wider),
            data,
            _rows(data),
            RunFolder(tmp_path / "run"),
            resume=True,
            threads=0,
            progress=False,
        )


@pytest.mark.parametrize(
    "content", [b"", b"no checkpoint", b"\x80\x04\x8c\x05posix\x8c\x06system\x93."]
)
def test_a_file_that_is_no_checkpoint_is_refused_and_nothing_in_it_runs(
    tmp_path: Path, content: bytes
) -> None:
    place = tmp_path / "last.ckpt"
    place.write_bytes(content)
    with pytest.raises(TrainingError, match="no checkpoint"):
        WholeCheckpoints().load_checkpoint(place)


def test_a_folder_with_a_run_is_gone_on_with_only_when_asked_and_with_the_same_recipe(
    tmp_path: Path,
) -> None:
    _train(_recipe(), tmp_path / "run")
    with pytest.raises(InputError, match=r"--resume"):
        _train(_recipe(), tmp_path / "run")
    with pytest.raises(InputError, match=r"another recipe.*batch"):
        _train(_recipe(batch=8), tmp_path / "run", resume=True)
    other = tmp_path / "other"
    other.mkdir()
    (other / "holiday.txt").write_text("mine")
    with pytest.raises(InputError, match="not empty"):
        _train(_recipe(), other)


def test_a_run_ends_early_where_nothing_improves(tmp_path: Path) -> None:
    recipe = _recipe(epochs=30, optimiser={"rate": 1e-9, "average": 0.0}, stopping={"patience": 2})
    trained = _train(recipe, tmp_path / "run")
    assert trained.epochs < 30
    assert trained.epochs - 1 - trained.best_epoch == 2
    assert _train(recipe, tmp_path / "run", resume=True).epochs == trained.epochs


def test_an_unknown_metric_to_stop_by_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="accuracy"):
        _train(_recipe(stopping={"metric": "beauty", "patience": 1}), tmp_path / "run")


@pytest.mark.parametrize(
    ("people", "photos", "said"), [(1, 6, "1 people"), (8, 1, "one photo of each")]
)
def test_people_that_cannot_be_told_apart_are_refused(
    people: int, photos: int, said: str, tmp_path: Path
) -> None:
    data = SyntheticCrops(people, photos)
    rows = np.arange(len(data))
    with pytest.raises(InputError, match=said):
        train_task(
            _task(_recipe()),
            data,
            Rows(rows, rows[:0], rows[:0]),
            RunFolder(tmp_path),
            progress=False,
        )


def test_accumulated_steps_change_the_weights_less_often(tmp_path: Path) -> None:
    _train(_recipe(epochs=1), tmp_path / "one")
    _train(_recipe(epochs=1, accumulate=2), tmp_path / "two")
    steps = [int(RunFolder(tmp_path / name).rows()[0]["step"]) for name in ("one", "two")]
    assert steps[1] == -(-steps[0] // 2)


def test_bf16_trains_too(tmp_path: Path) -> None:
    trained = _train(_recipe(precision="bf16"), tmp_path / "run")
    assert next(trained.task.result.parameters()).dtype == torch.float32


def test_threads_do_not_change_what_is_learnt(tmp_path: Path) -> None:
    recipe, data = _recipe(epochs=1), SyntheticCrops()
    found = []
    for threads in (0, 2):
        folder = RunFolder(tmp_path / str(threads))
        folder.open(recipe, {}, resume=False)
        task = train_task(
            _task(recipe), data, _rows(data), folder, threads=threads, progress=False
        ).task
        found.append(next(task.result.parameters()))
    torch.testing.assert_close(found[0], found[1], rtol=0, atol=0)


@pytest.mark.parametrize(
    ("metric", "values", "best"),
    [
        ("auc", (0.5, 0.7, 0.6), 1),
        ("eer", (0.5, 0.3, 0.4), 1),
        ("fnmr_at_1e-2", (0.5, 0.3, 0.4), 1),
        ("loss", (5.0, 3.0, float("nan")), 1),
        ("age_mae", (10.0, float("nan"), 11.0), 0),
    ],
)
def test_the_best_epoch_is_the_best_of_its_metric(
    metric: str, values: tuple[float, ...], best: int, tmp_path: Path
) -> None:
    keeper = EpochEnd(
        RunFolder(tmp_path), SyntheticCrops(2, 2), np.arange(2), patience=0, metric=metric
    )
    task = _task(_recipe())
    for epoch, value in enumerate(values):
        keeper._judge(task, {metric: value}, epoch)
    assert keeper.best_epoch == best


def test_the_average_moves_once_for_each_change_of_the_weights(tmp_path: Path) -> None:
    trained = _train(_recipe(epochs=1, accumulate=2), tmp_path / "run")
    assert trained.task.averaged is not None
    (row,) = RunFolder(tmp_path / "run").rows()
    assert int(trained.task.averaged.n_averaged) == int(row["step"])


def test_more_gpus_than_there_are_is_said() -> None:
    with pytest.raises(DeviceUnavailableError, match="99 were asked for"):
        check_devices("99")


def test_another_file_of_torch_is_no_checkpoint(tmp_path: Path) -> None:
    torch.save({"weights": torch.zeros(3)}, tmp_path / "last.ckpt")
    with pytest.raises(TrainingError, match="something else"):
        WholeCheckpoints().load_checkpoint(tmp_path / "last.ckpt")
