import pyarrow as pa
import pytest

from affectgpt.training.notes import random_weights_notes, subtitle_notes
from affectgpt.training.recipe import load_recipe

BOTH = ("coarse", "fine")


def clips(*subtitles: str | None) -> pa.Table:
    return pa.table({"subtitle": pa.array(subtitles, pa.string())})


def test_one_data_set_without_any_subtitle_is_warned_of() -> None:
    [note] = subtitle_notes({"coarse": clips("Hello.", None), "fine": clips(None, None)})
    assert note.startswith("fine has no subtitles") and note.endswith("give fine a column subtitle")


@pytest.mark.parametrize("fine", [clips("Hi."), clips(None, "Hi.")])
def test_some_subtitles_are_enough(fine: pa.Table) -> None:
    assert subtitle_notes({"coarse": clips("Hello."), "fine": fine}) == []


def test_no_subtitles_at_all_tell_nothing_apart() -> None:
    assert subtitle_notes({"coarse": clips(None), "fine": clips(None)}) == []
    assert subtitle_notes({"fine": clips(None)}) == []


@pytest.mark.parametrize("how", ["lora", "frozen"])
def test_random_weights_that_stay_are_warned_of(how: str) -> None:
    recipe = load_recipe("laptop", [f"stages.coarse.trainable.language_model={how}"])
    [note] = random_weights_notes(recipe, BOTH)
    assert note.startswith("stage coarse begins") and f"language_model: {how}" in note


def test_adapters_after_a_stage_of_full_training_or_on_a_pretrained_model_are_fine() -> None:
    later = "stages.fine.trainable.language_model=lora"
    assert random_weights_notes(load_recipe("laptop", [later]), BOTH) == []
    assert random_weights_notes(load_recipe("gpu"), BOTH) == []
    [note] = random_weights_notes(load_recipe("laptop", [later, "stages.fine.inherit=initial"]), BOTH)
    assert note.startswith("stage fine begins")
