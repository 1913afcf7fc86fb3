"""The arithmetic of forecasts, on made samples, and the tables that they are drawn from."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from affectgpt.dataset.extrapolation import Pool, Sample, Whole, extrapolate
from affectgpt.dataset.forecast import _by_source, pools_of
from affectgpt.dataset.recipe import load_recipe
from affectgpt.dataset.schema import CLIPS, OUTCOMES
from tests.dataset import rows

TASKS = Pool(("decode", "visual_clue", "acoustic_clue"), workers=2)


def sample(wall_s: float = 30.0, annotate_s: float = 10.0, voices: int = 0, **spent: list[float]) -> Sample:
    figures = {name.replace("_of_", " "): np.array(values) for name, values in spent.items()}
    return Sample(figures, voices, 1000, 10.0, {"wall_s": wall_s, "annotate_s": annotate_s})


def whole(sources: int, *pools: Pool, voices: int = 0, **prices: float) -> Whole:
    return Whole(sources, voices, 2, pools or (TASKS,), prices)


def alike(sources: int = 4, **changes: Any) -> Sample:
    """Every source is two clips, and takes 1 s to inspect, 4 s to decode."""
    spent = {"clips": [2.0], "seconds_of_inspect": [1.0], "seconds_of_decode": [4.0]}
    return sample(**{name: values * sources for name, values in spent.items()}, **changes)


def test_a_sample_that_is_the_whole_took_what_the_whole_takes() -> None:
    figures = extrapolate(alike(), whole(4))
    assert figures["wall_h"].value * 3600 == pytest.approx(30.0)
    assert figures["start_up_h"].value * 3600 == pytest.approx(30 - (4 + 16) / 2)
    assert figures["mib"].value * 2**20 == pytest.approx(1000)


def test_start_up_counts_once_and_the_work_with_every_source() -> None:
    figures = extrapolate(alike(), whole(400, cpu_h=3.0))
    assert figures["clips"].value == 800
    assert figures["wall_h"].value * 3600 == pytest.approx(20 + 400 * 5 / 2)
    assert figures["cpu_h"].value * 3600 == pytest.approx(400 * 5)
    assert figures["gpu_h"].value == 0
    assert figures["cost"].value == pytest.approx(3 * 400 * 5 / 3600)
    assert figures["mib"].value * 2**20 == pytest.approx(1000 + 792 * 10)


def test_the_slowest_pool_decides_and_actors_hold_what_they_have_until_the_end() -> None:
    model = Pool(("merge", "labels"), workers=4, num_cpus=0.5, num_gpus=0.25, stays=True)
    drawn = alike(seconds_of_merge=[30.0] * 4, seconds_of_labels=[10.0] * 4, annotate_s=60.0, wall_s=70.0)
    figures = extrapolate(drawn, whole(40, TASKS, model, gpu_h=2.0))
    annotating = 40 * 40 / 4
    loading = 60 - 4 * 40 / 4
    assert figures["wall_h"].value * 3600 == pytest.approx(annotating + 40 * 1 / 2 + 70 - 4 * 40 / 4 - 4 * 1 / 2)
    assert figures["gpu_h"].value * 3600 == pytest.approx((annotating + loading) * 4 * 0.25)
    assert figures["cpu_h"].value * 3600 == pytest.approx(40 * 1 + 40 * 4 + (annotating + loading) * 4 * 0.5)
    assert figures["cost"].value == pytest.approx(2 * figures["gpu_h"].value)


def test_clips_that_differ_widen_the_range_and_a_larger_share_of_the_input_narrows_it() -> None:
    equal = extrapolate(alike(10), whole(1000))["wall_h"]
    assert equal.low == equal.value == equal.high
    spent = {"clips": [1.0] * 10, "seconds_of_inspect": [0.0] * 10, "seconds_of_decode": [float(n) for n in range(10)]}
    few, most, all_of_them = (extrapolate(sample(**spent), whole(sources))["wall_h"] for sources in (1000, 12, 10))
    assert few.low < few.value < few.high
    # Ten values of a standard deviation of 3.03: the mean, 4.5, has one of 0.96, and an interval of about ±1.9.
    work = 1000 / 2 / 3600
    assert (few.high - few.low) / work == pytest.approx(2 * 1.96 * 0.96, rel=0.1)
    assert (most.high - most.low) / most.value < 0.5 * (few.high - few.low) / few.value
    assert all_of_them.low == pytest.approx(all_of_them.high)


def test_usual_voices_take_what_decoding_and_listening_take() -> None:
    drawn = sample(
        voices=2, clips=[1.0] * 2, seconds_of_inspect=[0.0] * 2, seconds_of_decode=[1.0] * 2,
        seconds_of_acoustic_clue=[2.0] * 2, seconds_of_visual_clue=[9.0] * 2,
    )  # fmt: skip
    figures = extrapolate(drawn, whole(100, voices=24))
    assert figures["seconds voices"].value == pytest.approx(24 * 3)
    assert figures["start_up_h"].value * 3600 == pytest.approx(30 - (2 * 12 + 2 * 3) / 2)


def test_tokens_grow_with_the_sources() -> None:
    drawn = alike(prompt_tokens_of_merge=[100.0, 200.0, 300.0, 400.0], completion_tokens_of_merge=[10.0] * 4)
    figures = extrapolate(drawn, whole(40))
    assert figures["prompt_tokens merge"].value == 10_000
    assert figures["prompt_tokens merge"].low < 10_000 < figures["prompt_tokens merge"].high
    assert figures["completion_tokens merge"].high == 400


def test_a_sample_of_rejected_sources_takes_inspecting_alone() -> None:
    figures = extrapolate(sample(clips=[1.0] * 2, seconds_of_inspect=[1.0] * 2), whole(20))
    assert figures["wall_h"].value * 3600 == pytest.approx(30 + 18 / 2)


def test_tasks_have_the_cpus_that_actors_leave() -> None:
    recipe = load_recipe("gpu", ["models.omni.num_cpus=2"])
    tasks, *actors = pools_of(recipe, cpus=16)
    assert (tasks.stages, tasks.workers) == (("decode",), 12)
    assert sorted(pool.stages for pool in actors) == [
        ("merge", "translate", "labels"),
        ("subtitle",),
        ("visual_clue", "acoustic_clue"),
    ]
    assert sum(pool.workers * pool.num_gpus for pool in actors) == pytest.approx(1.0)
    [alone] = pools_of(load_recipe("laptop"), cpus=16)
    assert (alone.workers, alone.stages[0], alone.num_gpus, alone.stays) == (16, "decode", 0, False)


def test_what_was_repeated_counts_instead_of_the_first_time_and_the_rest_stays() -> None:
    clips = [rows.clip("a#1", source_key="a"), rows.clip("a#2", source_key="a"), rows.clip("b", inspect_s=0.25)]
    tokens = {"prompt_tokens": [("merge", 7)], "completion_tokens": [("merge", 2)]}
    seconds = [("decode", 5.0), ("merge", 3.0)]
    first = [rows.outcome(name, clip_id=name, seconds=seconds, **tokens) for name in ("a#1", "a#2")]
    first.append(rows.outcome("b", "rejected", clip_id="b", prompt_tokens=[], completion_tokens=[]))
    repeats = [
        [rows.outcome(name, clip_id=name, seconds=[("decode", spent)]) for name in ("a#1", "a#2")]
        for spent in (1.0, 2.0)
    ]
    spent = _by_source(
        pa.Table.from_pylist(clips, CLIPS),
        pa.Table.from_pylist(first, OUTCOMES),
        [pa.Table.from_pylist(repeat, OUTCOMES) for repeat in repeats],
    )
    assert {name: values.tolist() for name, values in spent.items()} == {
        "clips": [2.0, 1.0],
        "seconds inspect": [1.0, 0.25],
        "seconds decode": [3.0, 0.25],
        "seconds merge": [6.0, 0.0],
        "prompt_tokens merge": [14.0, 0.0],
        "completion_tokens merge": [4.0, 0.0],
    }
