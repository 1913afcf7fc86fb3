import pickle
from pathlib import Path

import pyarrow as pa

from affectgpt.annotate.generated.prompt import load_prompt
from affectgpt.dataset.annotating import run_stage, stages_of
from affectgpt.dataset.recipe import load_recipe
from affectgpt.dataset.schema import OUTCOMES, WORK
from tests.annotate.generated.good_model import REPLIES, answer_well
from tests.annotate.language_model.chat_server import serve
from tests.dataset import rows
from tests.integration.made import write_clip

ACTORS = "{actors: 1}"
STEPS = load_recipe("laptop").step_names()


def work(tmp_path: Path) -> pa.Table:
    clips = [rows.clip(f"clip {seed}", uri=str(write_clip(tmp_path / f"{seed}.mp4", seed=seed))) for seed in range(3)]
    clips.append(rows.clip("gone", uri=str(tmp_path / "gone.mp4")))
    return pa.Table.from_pylist([clip | {"work_id": clip["clip_id"]} for clip in clips], WORK)


def without_seconds(table: pa.Table) -> list[dict]:
    return table.drop_columns(["seconds"]).to_pylist()


def test_steps_share_a_stage_unless_they_have_workers() -> None:
    assert [stage.steps for stage in stages_of(load_recipe("laptop"))] == [
        ("visual_clue", "acoustic_clue", "merge", "translate", "labels")
    ]
    apart = [f"steps.{name}.workers={ACTORS}" for name in ("visual_clue", "merge", "translate")]
    stages = stages_of(load_recipe("laptop", apart))
    assert [stage.steps for stage in stages] == [
        (),
        ("visual_clue",),
        ("acoustic_clue",),
        ("merge",),
        ("translate",),
        ("labels",),
    ]
    assert [stage.is_first for stage in stages] == [True] + [False] * 5
    assert [stage.is_last for stage in stages] == [False] * 5 + [True]
    assert [stage.workers is not None for stage in stages] == [False, True, False, True, True, False]


def test_steps_in_a_row_share_the_actors_of_their_resident_model() -> None:
    models = "models={a: {engine: vllm, model: a, num_gpus: 2, clips: 64}, b: {engine: openai, model: b}}"
    steps = {"acoustic_clue": "a", "merge": "a", "translate": "b", "labels": "a"}
    stages = stages_of(load_recipe("laptop", [models, *(f"steps.{step}={{model: {m}}}" for step, m in steps.items())]))
    assert [stage.steps for stage in stages] == [
        ("visual_clue",),
        ("acoustic_clue", "merge"),
        ("translate",),
        ("labels",),
    ]
    assert [stage.workers and stage.workers.num_gpus for stage in stages] == [None, 2, None, 2]
    assert [stage.batch_size for stage in stages] == [16, 64, 16, 64]
    assert [stage.batches_at_once for stage in stages] == [1, 4, 1, 4]
    alone = stages_of(load_recipe("laptop", [models, "steps.labels={model: a, workers: {actors: 3}}"]))[-1]
    assert (alone.steps, alone.workers.actors, alone.batch_size) == (("labels",), 3, 16)


def test_one_stage_turns_work_into_outcomes(tmp_path: Path) -> None:
    [stage] = stages_of(load_recipe("laptop"))
    table = run_stage(work(tmp_path), stage)
    assert table.schema.equals(OUTCOMES)
    found = {row["clip_id"]: row for row in table.to_pylist()}
    assert found["gone"]["outcome"] == "rejected"
    assert (found["gone"]["stage"], found["gone"]["error"]) == ("decode", "not-found")
    assert found["clip 0"]["outcome"] == "annotated"
    assert found["clip 0"]["provenance"]["source"]["frames_got"] == 8
    assert found["clip 0"]["provenance"]["labels"]["sampling"] is None
    assert [name for name, _ in found["clip 0"]["seconds"]][:2] == ["decode", "visual_clue"]


def test_several_stages_give_the_same(tmp_path: Path) -> None:
    table = work(tmp_path)
    [whole] = stages_of(load_recipe("laptop"))
    parts = stages_of(load_recipe("laptop", [f"steps.acoustic_clue.workers={ACTORS}"]))
    passed = table
    for stage in parts:
        passed = run_stage(passed, stage)
    assert without_seconds(passed) == without_seconds(run_stage(table, whole))


def test_frames_travel_no_further_than_they_are_looked_at(tmp_path: Path) -> None:
    stages = stages_of(load_recipe("laptop", [f"steps.{name}.workers={ACTORS}" for name in ("acoustic_clue", "merge")]))
    seen_by_acoustic = run_stage(work(tmp_path), stages[0])
    seen_by_merge = run_stage(seen_by_acoustic, stages[1])
    with_frames, without = (pickle.loads(table["item"][0].as_py()) for table in (seen_by_acoustic, seen_by_merge))
    assert with_frames.media.frames_got == 8
    assert without.media is None
    assert without.decoded.frames_got == 8


def test_filters_have_clips_measured_where_media_and_texts_are(tmp_path: Path) -> None:
    filters = ["filters.no_face={}", "filters.near_duplicate={}", "filters.emotionless={}"]
    stages = stages_of(load_recipe("laptop", [*filters, f"steps.merge.workers={ACTORS}"]))
    assert (stages[0].steps[0], stages[-1].steps[-1]) == ("media_measures", "text_measures")
    table = work(tmp_path)
    for stage in stages:
        table = run_stage(table, stage)
    found = {row["clip_id"]: row for row in table.to_pylist()}
    assert {name for name, _ in found["clip 0"]["scores"]} == {"face_in_view", "emotion_words"}
    assert len(found["clip 0"]["fingerprint"]) == 64
    assert found["gone"]["scores"] == [] and found["gone"]["fingerprint"] is None
    [whole] = stages_of(load_recipe("laptop", filters))
    assert run_stage(work(tmp_path), whole)["scores"].to_pylist() == table["scores"].to_pylist()


def test_models_annotate_and_say_so(tmp_path: Path) -> None:
    with serve(answer_well) as server:
        settings = f"{{engine: openai, model: tiny, base_url: '{server.base_url}', max_retries: 0}}"
        by_model = [f"models.big={settings}", *(f"steps.{name}={{model: big}}" for name in STEPS)]
        [stage] = stages_of(load_recipe("laptop", [*by_model, "decode.frame_size=32"]))
        table = run_stage(work(tmp_path), stage)
    assert table.schema.equals(OUTCOMES)
    found = {row["clip_id"]: row for row in table.to_pylist()}
    assert (found["gone"]["stage"], found["gone"]["error"]) == ("decode", "not-found")
    one = found["clip 0"]
    assert one["outcome"] == "annotated"
    assert (one["visual_clue"], one["acoustic_clue"]) == (REPLIES["visual_clue"], REPLIES["acoustic_clue"])
    assert (one["description_en"], one["description_zh"]) == (REPLIES["merge"], REPLIES["translate"])
    assert one["labels"] == ["nervous"]
    assert one["provenance"]["translate"] == {
        "engine": "openai",
        "model": "tiny",
        "revision": "unknown",
        "prompt_sha256": load_prompt("translate").sha256,
        "sampling": "temperature 0; again 0.7",
    }
    assert len(server.asked) == 3 * len(STEPS)


def test_no_rows_give_no_rows() -> None:
    [stage] = stages_of(load_recipe("laptop"))
    assert run_stage(WORK.empty_table(), stage).schema.equals(OUTCOMES)
