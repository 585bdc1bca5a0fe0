"""Learning age, gender and emotion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from sklearn.metrics import accuracy_score, f1_score, mean_absolute_error, root_mean_squared_error

from faceprint.attributes.serving import AttributeServing, estimates
from faceprint.errors import InputError
from faceprint.train.recipes import read_recipe
from faceprint.train.recipes.attributes import EMOTIONS, AttributesConfig
from faceprint.train.recipes.config import NetworkConfig, Recipe
from faceprint.train.tasks.attribute_losses import female_loss
from faceprint.train.tasks.attributes import (
    AttributeTask,
    HeadTask,
    attribute_metrics,
    attribute_task,
)
from faceprint.train.tasks.base import Batch, IntArray
from faceprint.types import FloatArray, Image


class FakeCrops:
    """Grey crops, the brighter the older; with a few labels missing."""

    def __init__(self, count: int = 48, *, side: int = 40) -> None:
        rng = np.random.default_rng(0)
        age = rng.uniform(1, 90, count).astype(np.float32)
        light = (age * 2 + 40)[:, None, None, None] + rng.normal(0, 4, (count, side, side, 3))
        self.pixels = light.clip(0, 255).astype(np.uint8)
        self.names = tuple(f"photo {row}" for row in range(count))
        self.identity: IntArray = np.full(count, -1, dtype=np.int64)
        female, emotion = rng.integers(0, 2, count), rng.integers(0, 7, count)
        self.labels: Mapping[str, FloatArray] = {
            "age": age,
            "female": female.astype(np.float32),
            "emotion": emotion.astype(np.float32),
        }
        self.labels["age"][::5] = np.nan
        self.labels["emotion"][1::7] = np.nan

    def __len__(self) -> int:
        return len(self.names)

    def read(self, rows: IntArray) -> Image:
        crops: Image = self.pixels[rows]
        return crops


def tiny_recipe(**changes: Any) -> Recipe:
    values: dict[str, Any] = {
        "targets": ("age", "female", "emotion"),
        "widths": (4, 8),
        "blocks": 1,
        "dropout": 0.0,
    } | changes
    return Recipe(
        name="tiny",
        task="attributes",
        epochs=1,
        batch=16,
        side_px=32,
        network=NetworkConfig(dimension=12),
        attributes=AttributesConfig(**values),
    )


def batch_of(data: FakeCrops, rows: IntArray, labels: Mapping[str, FloatArray]) -> Batch:
    return Batch(
        torch.from_numpy(data.read(rows)[:, :32, :32]),
        torch.from_numpy(rows),
        torch.from_numpy(data.identity[rows]),
        {name: torch.from_numpy(values[rows]) for name, values in labels.items()},
    )


@pytest.fixture
def data() -> FakeCrops:
    return FakeCrops()


def built(data: FakeCrops, **changes: object) -> AttributeTask:
    torch.manual_seed(0)
    task = attribute_task(tiny_recipe(**changes))
    task.check(data, np.arange(len(data)))
    task.prepare(data, np.arange(len(data)))
    return task


def test_the_loss_is_the_weighted_sum_of_its_parts(data: FakeCrops) -> None:
    task = built(data, age_loss="mse", age_weight=2.0, female_weight=3.0, emotion_weight=0.5)
    found = task.eval().losses(batch_of(data, np.arange(16), data.labels))
    parts = 2 * found["age_loss"] + 3 * found["female_loss"] + 0.5 * found["emotion_loss"]
    assert float(found["loss"].detach()) == pytest.approx(float(parts.detach()), rel=1e-5)


def test_photos_without_a_label_change_nothing_of_its_loss(data: FakeCrops) -> None:
    task = built(data, targets=("female",), female_smoothing=0.1).eval()
    half = {"female": np.where(np.arange(len(data)) < 8, data.labels["female"], np.nan)}
    half["female"] = half["female"].astype(np.float32)
    rows = np.arange(16)
    found = task.losses(batch_of(data, rows, half))["female_loss"]
    outputs = task(torch.from_numpy(data.read(rows[:8])[:, :32, :32]))
    expected = female_loss(outputs, torch.from_numpy(half["female"][:8]), smoothing=0.1)
    assert float(found.detach()) == pytest.approx(float(expected.detach()), rel=1e-5)


def test_a_batch_without_any_label_costs_nothing_and_can_be_learnt_from(data: FakeCrops) -> None:
    task = built(data)
    blank = {name: np.full_like(values, np.nan) for name, values in data.labels.items()}
    found = task.losses(batch_of(data, np.arange(16), blank))
    assert set(found) == {"loss"}
    torch.autograd.backward(found["loss"])
    assert float(found["loss"].detach()) == 0


@pytest.mark.parametrize("network", ["classic", "residual"])
def test_a_few_steps_learn_ages_from_brightness(data: FakeCrops, network: str) -> None:
    task = built(data, targets=("age",), network=network, flip=False)
    rows = np.flatnonzero(~np.isnan(data.labels["age"]))
    before = task.measure(data, rows)["age_mae"]
    optimiser = torch.optim.Adam(task.network.parameters(), 5e-3)
    batch = batch_of(data, rows, data.labels)
    task.train()
    for _ in range(30):
        optimiser.zero_grad()
        torch.autograd.backward(task.losses(batch)["loss"])
        optimiser.step()
    assert task.measure(data, rows)["age_mae"] < 0.7 * before


def test_faces_are_mixed_in_half_of_the_batches(data: FakeCrops) -> None:
    task = built(data, targets=("female",), mix=1.0).eval()

    def costs() -> set[float]:
        batch = batch_of(data, np.arange(16), data.labels)
        found = set()
        for seed in range(8):
            torch.manual_seed(seed)
            found.add(round(float(task.losses(batch)["loss"].detach()), 5))
        return found

    assert 2 < len(costs()) < 8
    # Mixed with itself a face is what it was, and the labels of the batch are the same ones in all.
    data.pixels[:] = data.pixels[0]
    assert len(costs()) == 1


def test_batches_hold_each_photo_with_a_label_once(data: FakeCrops) -> None:
    task = built(data, targets=("age", "emotion"))
    rows = np.arange(4, 44)
    found = np.concatenate(task.batches(data, rows, seed=1))
    labels = [data.labels[name] for name in ("age", "emotion")]
    expected = [row for row in rows if not all(np.isnan(some[row]) for some in labels)]
    assert len(expected) < len(rows)
    assert sorted(found.tolist()) == expected
    assert found.tolist() != np.concatenate(task.batches(data, rows, seed=2)).tolist()


def test_metrics_agree_with_scikit_learn(data: FakeCrops) -> None:
    columns = "age:101 female:1 emotion:7"
    outputs = np.random.default_rng(3).normal(size=(len(data), 109)).astype(np.float32)
    found = attribute_metrics(outputs, columns, data.labels)
    said = estimates(outputs, AttributeServing(columns, EMOTIONS))
    assert said.age_years is not None
    assert said.emotion is not None
    aged, moody = (~np.isnan(data.labels[name]) for name in ("age", "emotion"))
    ages = (data.labels["age"][aged], said.age_years[aged])
    assert found["age_mae"] == pytest.approx(mean_absolute_error(*ages), rel=1e-5)
    assert found["age_rmse"] == pytest.approx(root_mean_squared_error(*ages), rel=1e-5)
    assert found["age_within_5"] == pytest.approx(np.mean(np.abs(ages[0] - ages[1]) <= 5))
    told = outputs[:, 101] >= 0
    assert found["gender_accuracy"] == pytest.approx(np.mean(told == data.labels["female"]))
    classes = (data.labels["emotion"][moody], said.emotion[moody].argmax(axis=1))
    assert found["emotion_accuracy"] == pytest.approx(accuracy_score(*classes))
    assert found["emotion_f1"] == pytest.approx(f1_score(*classes, average="macro"))


def test_what_has_no_label_is_not_measured() -> None:
    nothing = np.full(4, np.nan, dtype=np.float32)
    outputs = np.zeros((4, 102), dtype=np.float32)
    labels = {"age": nothing, "female": np.ones(4, dtype=np.float32)}
    assert attribute_metrics(outputs, "age:101 female:1", labels) == {"gender_accuracy": 1.0}


def test_outputs_are_means_with_those_of_mirror_images(data: FakeCrops) -> None:
    task = built(data, flip=True)
    lopsided = FakeCrops()
    lopsided.pixels[:, :, 20:] = 0
    rows = np.arange(6)
    found = task.outputs(lopsided, rows)
    plain = built(data, flip=False)
    mirrored = FakeCrops()
    mirrored.pixels = lopsided.pixels[:, :, ::-1]
    both = [plain.outputs(one, rows) for one in (lopsided, mirrored)]
    assert np.abs(both[0] - both[1]).max() > 1e-4
    np.testing.assert_allclose(found, (both[0] + both[1]) / 2, atol=1e-5)


def test_how_outputs_are_read_is_told(data: FakeCrops) -> None:
    serving = built(data, flip=True).serving()
    assert (serving.outputs, serving.emotions, serving.flip) == (
        "age:101 female:1 emotion:7",
        EMOTIONS,
        True,
    )
    assert built(data, targets=("age",), age_loss="mse").serving().emotions == ()


def test_the_metric_that_decides(data: FakeCrops) -> None:
    decided = {
        targets: built(data, targets=targets).metric
        for targets in (("female", "age"), ("emotion", "female"), ("female",))
    }
    assert decided == {
        ("female", "age"): "age_mae",
        ("emotion", "female"): "emotion_accuracy",
        ("female",): "gender_accuracy",
    }
    for targets, metric in decided.items():
        assert metric in built(data, targets=targets).measure(data, np.arange(len(data)))


def test_rare_emotions_count_for_more_if_so_asked(data: FakeCrops) -> None:
    classes = np.array([0] * 8 + [3] * 2 + [np.nan] * 38, dtype=np.float32)
    labels = dict(data.labels) | {"emotion": classes}
    data.labels = labels
    assert built(data, balanced=0.0).class_weights.tolist() == [1.0] * 7
    weights = built(data, balanced=1.0).class_weights
    assert weights[3] / weights[0] == pytest.approx(4)
    half = built(data, balanced=0.5).class_weights
    assert half[3] / half[0] == pytest.approx(2)


def test_data_without_the_labels_are_refused(data: FakeCrops) -> None:
    data.labels = {"age": data.labels["age"]}
    with pytest.raises(InputError, match=r"'female'.*known: age"):
        built(data, targets=("age", "female"))
    data.labels = {"emotion": np.full(len(data), 9, dtype=np.float32)}
    with pytest.raises(InputError, match="0 to 6"):
        built(data, targets=("emotion",))


def test_a_head_learns_from_embeddings_alone(data: FakeCrops) -> None:
    task = attribute_task(tiny_recipe(network="head", targets=("female",)))
    assert isinstance(task, HeadTask)
    rows = np.arange(len(data))
    with pytest.raises(InputError, match="has not seen"):
        task.prepare(data, rows)
    with pytest.raises(InputError, match=r"network\.dimension=5"):
        task.teach(np.zeros((len(data), 5), dtype=np.float32))
    vectors = np.random.default_rng(0).normal(size=(len(data), 12)).astype(np.float32)
    task.teach(vectors)
    task.prepare(data, rows)
    found = task.outputs(data, rows[3:9])
    expected = task.network.eval()(torch.from_numpy(vectors[3:9]))
    np.testing.assert_allclose(found, expected.detach().numpy(), atol=1e-6)
    torch.autograd.backward(task.losses(batch_of(data, rows[:16], data.labels))["loss"])
    assert all(one.grad is not None for one in task.network.parameters())


def test_a_configuration_that_means_nothing_is_refused() -> None:
    for changes in ({"targets": ("age", "age")}, {"targets": ()}, {"race": True}, {"widths": ()}):
        with pytest.raises(ValidationError):
            AttributesConfig.model_validate(changes)


@pytest.mark.parametrize(
    ("name", "outputs"),
    [
        ("age-gender-classic", "age:1 female:1"),
        ("age-gender", "age:101 female:1"),
        ("age-gender-head", "age:101 female:1"),
        ("emotion-classic", "emotion:7"),
        ("emotion", "emotion:7"),
    ],
)
def test_recipes_of_attributes_build_their_networks(name: str, outputs: str) -> None:
    recipe = read_recipe(name)
    assert recipe.attributes.outputs == outputs
    task = attribute_task(recipe)
    side = recipe.side_px
    given = torch.zeros(2, 12) if isinstance(task, HeadTask) else torch.zeros(2, 3, side, side)
    if isinstance(task, HeadTask):
        given = torch.zeros(2, recipe.network.dimension)
    width = AttributeServing(outputs, EMOTIONS if "emotion" in outputs else ()).width
    assert task.network.eval()(given).shape == (2, width)
