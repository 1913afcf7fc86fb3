from pathlib import Path
from typing import Any

import pyarrow as pa

from affectgpt.dataset.ledger import Folder, Ledger
from affectgpt.dataset.recipe import Recipe, load_recipe
from affectgpt.dataset.reuse import keys_of, recipe_key, with_known
from affectgpt.dataset.schema import OUTCOMES, VALUES, WORK
from tests.dataset import rows

MODELS = ["models={a: {engine: openai, model: a}, b: {engine: openai, model: b}}"]
BY_MODEL = [*MODELS, *(f"steps.{name}={{model: a}}" for name in load_recipe("laptop").step_names())]


def recipe(*changes: str) -> Recipe:
    return load_recipe("laptop", [*BY_MODEL, *changes])


def work_row(**changes: Any) -> dict[str, Any]:
    return dict.fromkeys(WORK.names) | rows.clip("one") | {"work_id": "new"} | changes


def changed(one: Recipe, other: Recipe, **facts: Any) -> set[str]:
    """The values that another recipe or other facts of a clip make anew."""
    before, after = keys_of(work_row(), one), keys_of(work_row(**facts), other)
    return {name for name in before | after if before.get(name) != after.get(name)}


def test_a_change_concerns_what_builds_on_it_and_nothing_else() -> None:
    same = recipe()
    assert changed(same, recipe("run.clips_per_block=3", "steps.merge={model: a, batch_size: 2}")) == set()
    assert changed(same, recipe("steps.labels={model: b}")) == {"labels"}
    assert changed(same, recipe("steps.translate={model: b}")) == {"translate"}
    assert changed(same, recipe("steps.merge={model: b}")) == {"merge", "translate", "labels"}
    assert changed(same, recipe("steps.visual_clue={model: b}")) == {"visual_clue", "merge", "translate", "labels"}
    everything = {"decode", *same.step_names()}
    assert changed(same, recipe("decode.frames=2")) == everything - {"acoustic_clue"}
    assert changed(same, recipe("steps.subtitle={model: a}")) == {"subtitle", "merge", "translate", "labels"}
    spoken = {"merge", "translate", "labels"}
    assert changed(same, same, subtitle="Go!") == changed(same, same, language="en") == spoken
    assert changed(same, same, clip_id="renamed", uri="/moved.mp4", speaker="somebody") == set()
    assert changed(same, same, content_sha256="x") == everything


def test_the_voice_that_a_clip_is_judged_against_concerns_the_signal_engine_alone() -> None:
    signal = load_recipe("laptop")
    assert changed(signal, signal, voice_reference='{"pitch": 1}') == {"acoustic_clue", "merge", "translate", "labels"}
    assert changed(recipe(), recipe(), voice_reference='{"pitch": 1}') == set()


def test_a_step_of_the_users_own_may_look_at_everything_before_it() -> None:
    own = load_recipe("laptop", ["steps.labels.engine=tests.annotate.test_annotator:Describe"])
    assert changed(own, own, clip_id="renamed") == {"labels"}


def test_recipes_that_find_the_same_share_their_key() -> None:
    assert recipe_key(recipe()) == recipe_key(recipe("run.rejected_budget=0.5"))
    assert recipe_key(recipe()) != recipe_key(recipe("models.a.max_tokens=99"))


def test_filters_that_need_another_measure_measure_and_thresholds_change_nothing() -> None:
    plain, one = recipe(), recipe("filters.emotionless={fewest: 1}")
    assert changed(plain, one) == {"text_measures"}
    assert changed(one, recipe("filters.emotionless={fewest: 3}")) == set()
    assert recipe_key(one) == recipe_key(recipe("filters.emotionless={fewest: 3}"))
    assert changed(one, recipe("filters.emotionless={fewest: 1}", "filters.near_duplicate={}")) == {"media_measures"}
    assert changed(one, one, subtitle="Go!") == {"merge", "translate", "labels", "text_measures"}


def test_what_earlier_attempts_found_is_known(tmp_path: Path) -> None:
    ledger = Ledger(Folder.at(str(tmp_path)))
    before, now = recipe(), recipe("steps.merge={model: b}")
    names = ("one", "two", "fresh")
    clips = [work_row(clip_id=name, work_id=f"new {name}", content_sha256=name) for name in names]
    found = {name: f'{{"of": "{name}"}}' for name in ("decode", "visual_clue", "acoustic_clue", "merge")}
    one = rows.outcome("old one", keys=keys_of(clips[0], before), values=found)
    # Rejected at the merge: what precedes it was found all the same.
    two = rows.outcome("old two", "rejected", keys=keys_of(clips[1], before), values=found | {"merge": None})
    done = rows.outcome("new fresh", keys=keys_of(clips[2], before), values=found)
    ledger.outcomes.write_table([rows.outcomes(one), rows.outcomes(two, done)], OUTCOMES)
    table = pa.Table.from_pylist(clips, WORK).drop_columns("known")
    assert with_known(table, table["work_id"], ledger, now).schema.equals(WORK)
    known = with_known(table, table["work_id"], ledger, now)["known"].to_pylist()
    media = {name: found[name] for name in ("decode", "visual_clue", "acoustic_clue")}
    nothing = dict.fromkeys(VALUES)
    assert known == [nothing | media, nothing | media, nothing], "outcomes of this plan itself are its own"
    again = with_known(table, table["work_id"], ledger, before)["known"].to_pylist()
    assert again[:2] == [nothing | found, nothing | media]
    assert (
        with_known(table, table["work_id"], Ledger(Folder.at(str(tmp_path / "empty"))), now)["known"].to_pylist()
        == [nothing] * 3
    )
