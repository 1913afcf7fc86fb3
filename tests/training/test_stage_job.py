"""The table of samples: which of them a stage learns, which it is validated on, and what tells them apart."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from affectgpt.errors import JobError
from affectgpt.training.data.schema import SAMPLES
from affectgpt.training.features.settings import PreparationSettings
from affectgpt.training.recipe import Recipe, StageSection
from affectgpt.training.stage_job import SampleTable, StageJob, steps_of

BOTH = StageSection(data={"coarse": 0.25, "fine": 0.75}, epochs=1.5, batch_size=2, micro_batch_size=1)
COARSE = StageSection(data={"coarse": 1.0}, epochs=1, batch_size=2, micro_batch_size=1)
FINE = StageSection(data={"fine": 1.0}, steps=7, batch_size=2, micro_batch_size=1)


def sample(name: str, **changes: Any) -> dict[str, Any]:
    """A row of SAMPLES; ``name`` is data set, part and number."""
    dataset, part, number = name.split("/")
    tokens = [1, 2, 3, 4, 5 + int(number)]
    usual = {
        "sample_id": f"{dataset}/{number}/en",
        "clip_key": f"key{number}",
        "dataset": dataset,
        "part": part,
        "clip_id": number,
        "language": "en",
        "answer": "Calm.",
        "input_ids": tokens,
        "answer_start": 3,
        "token_weights": None,
        "length": len(tokens),
        "loss_weight": 2.0,
    }
    return usual | changes


ROWS = {
    name: sample(name)
    for name in (
        "coarse/train/0",
        "coarse/validation/1",
        "coarse/train/2",
        "fine/train/3",
        "fine/train/4",
        "fine/validation/5",
        "fine/train/6",
        "coarse/validation/7",
    )
}


def table(**changes: dict[str, Any]) -> SampleTable:
    rows = [row | changes.get(name.replace("/", "_"), {}) for name, row in ROWS.items()]
    return SampleTable(pa.Table.from_pylist(rows, SAMPLES))


def test_places_are_those_of_part_and_data_set() -> None:
    samples = table()
    assert len(samples) == 8
    assert samples.places("train").tolist() == [0, 2, 3, 4, 6]
    assert samples.places("train", "coarse").tolist() == [0, 2]
    assert samples.places("validation", "fine").tolist() == [5]
    assert (samples.name(5), samples.clip_key(5)) == ("fine/5/en", "key5")
    assert samples.lengths.tolist() == [5] * 8


def test_a_stage_is_validated_on_what_it_learns_most_of() -> None:
    samples = table()
    assert samples.held_out(BOTH).tolist() == [5]
    assert samples.held_out(COARSE).tolist() == [1, 7]
    assert samples.held_out(StageSection(data={"coarse": 2.0, "fine": 1.0}, steps=1)).tolist() == [1, 7]
    assert samples.held_out(StageSection(data={"fine": 1.0, "coarse": 1.0}, steps=1)).tolist() == [1, 7], "by name"


def test_a_stage_learns_the_training_samples_of_its_data_sets() -> None:
    samples = table()
    assert sorted(samples.order(COARSE, 0).batch(0).samples.tolist()) == [0, 2]
    order = samples.order(BOTH, seed=3)
    learnt = np.concatenate([batch.samples for batch in order.batches(0, order.steps_per_epoch)])
    assert sorted(set(learnt.tolist()) & {3, 4, 6}) == [3, 4, 6]
    assert set(learnt.tolist()) <= {0, 2, 3, 4, 6}
    assert order.samples_per_epoch == 4


def test_a_stage_without_samples_of_a_data_set_is_refused() -> None:
    samples = SampleTable(pa.Table.from_pylist([ROWS["coarse/train/0"], ROWS["fine/validation/5"]], SAMPLES))
    samples.check_trainable("coarse", COARSE)
    for stage in (FINE, BOTH):
        with pytest.raises(JobError, match="stage second learns from fine data, of which no clip to train on"):
            samples.check_trainable("second", stage)
    with pytest.raises(JobError, match="stage first learns from coarse data"):
        SampleTable(SAMPLES.empty_table()).check_trainable("first", COARSE)


def test_steps_are_given_or_follow_from_the_epochs() -> None:
    samples = table()
    assert steps_of(FINE, samples.order(FINE, 0)) == 7
    assert steps_of(BOTH, samples.order(BOTH, 0)) == 3
    assert steps_of(COARSE, samples.order(COARSE, 0)) == 1
    little = COARSE.model_copy(update={"epochs": 0.01})
    assert steps_of(little, samples.order(little, 0)) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"sample_id": "coarse/other/en"},
        {"clip_key": "other content"},
        {"input_ids": [1, 2, 3, 4, 9]},
        {"input_ids": [1, 2, 3, 4], "length": 4},
        {"answer_start": 2},
        {"token_weights": [1.0, 3.0], "loss_weight": 4.0},
        {"part": "validation"},
    ],
)
def test_other_data_have_another_hash(changes: dict[str, Any]) -> None:
    whole = table().sha256(COARSE)
    assert len(whole) == 64
    assert table(coarse_train_2=changes).sha256(COARSE) != whole


def test_weights_are_told_apart_by_their_tokens() -> None:
    first, second = [3.0, 1.0], [1.0, 3.0]
    hashes = {
        table(coarse_train_0={"token_weights": one, "loss_weight": 4.0}).sha256(COARSE) for one in (first, second)
    }
    assert len(hashes) == 2


def test_rows_that_a_stage_does_not_learn_from_do_not_change_its_hash() -> None:
    whole = table().sha256(COARSE)
    assert table(fine_train_4={"input_ids": [7] * 5, "sample_id": "fine/other/en"}).sha256(COARSE) == whole
    assert table(fine_validation_5={"clip_key": "other"}).sha256(COARSE) == whole
    assert table(coarse_validation_7={"clip_key": "other"}).sha256(COARSE) != whole
    assert table(coarse_validation_7={"clip_key": "other"}).sha256(BOTH) == table().sha256(BOTH)
    assert table().sha256(FINE) != whole


def test_a_table_in_pieces_is_the_same_table() -> None:
    rows = table().rows
    pieces = SampleTable(pa.concat_tables([rows.slice(0, 3), rows.slice(3, 1), rows.slice(4)]))
    assert pieces.sha256(BOTH) == table().sha256(BOTH)


def test_a_job_has_the_settings_of_its_stage() -> None:
    recipe = Recipe()
    preparation = PreparationSettings(recipe.model, recipe.features, "/run/model", "/run/features")
    job = StageJob("fine", recipe, "/run", "/run/model", "/run/s", "/run/c", preparation, {"vision": "d"}, "sha")
    assert job.stage is recipe.stages.fine
