"""What a person should know of a run before it begins, and a reader of its results after it: no errors, but traps."""

from collections.abc import Mapping, Sequence

import pyarrow as pa

from affectgpt.training.recipe import STAGE_NAMES, Recipe


def subtitle_notes(clips: Mapping[str, pa.Table]) -> list[str]:
    """Warn where one data set alone has subtitles: a model takes their absence for a sign of the other data set.

    Args:
        clips: the clips of each data set, by its name.
    """
    has = {name for name, table in clips.items() if table["subtitle"].null_count < table.num_rows}
    return [
        f"{name} has no subtitles, and the other data set has: the model may learn to tell the two apart by them; give "
        f"{name} a column subtitle"
        for name in sorted(clips.keys() - has)
        if has
    ]


def random_weights_notes(recipe: Recipe, stages: Sequence[str]) -> list[str]:
    """Warn where a language model of random weights is not trained as a whole by a stage that begins with it.

    Args:
        recipe: the settings.
        stages: those that are to run.
    """
    if recipe.model.language_model.source is not None:
        return []
    sections = [(name, recipe.stages.by_name()[name]) for name in stages]
    return [
        f"stage {name} begins with a language model of random weights, most of which stay as they are with "
        f"language_model: {stage.trainable.language_model}; use full, or name a model.language_model.source"
        for name, stage in sections
        if (name == STAGE_NAMES[0] or stage.inherit == "initial") and stage.trainable.language_model != "full"
    ]
