from pathlib import Path

import pytest

from affectgpt.dataset.ledger import Folder
from affectgpt.errors import RequestError
from affectgpt.training.output import Output, check_output, write_recipe
from affectgpt.training.recipe import Recipe, load_recipe

OTHER_LAYOUT = ["workers.count=3", "report.described=1", "features.cache=/somewhere"]


def begun(uri: str) -> Output:
    """An output as a run of the shipped recipe leaves it at its beginning."""
    output = Output(uri)
    write_recipe(output, load_recipe("laptop"))
    return output


def test_everything_lies_below_the_output() -> None:
    output = Output("s3://bucket/run?region=eu-1")
    assert output.at("data", "clips.parquet") == "s3://bucket/run/data/clips.parquet?region=eu-1" == output.clips
    assert output.stage_model("fine") == "s3://bucket/run/stages/fine/model?region=eu-1"
    places = {output.initial, output.model, output.samples, output.features(Recipe())}
    assert len(places) == 4
    assert all(place.startswith("s3://bucket/run/") for place in places)
    recipe = load_recipe("laptop", ["features.cache=s3://shared/features"])
    assert output.features(recipe) == "s3://shared/features"


@pytest.mark.parametrize("name", ["new", "new/", "empty", "deep/er"])
def test_a_run_may_begin_where_nothing_is(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    output = check_output(f"{tmp_path}/{name}", Recipe())
    assert output.uri == f"{tmp_path}/{name.rstrip('/')}"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["empty"]


@pytest.mark.parametrize("uri", ["{tmp}/run", "mock://output/goes/on"])
def test_the_same_recipe_and_another_layout_go_on(tmp_path: Path, uri: str) -> None:
    output = begun(uri.format(tmp=tmp_path))
    assert check_output(output.uri, load_recipe("laptop")) == output
    assert check_output(output.uri, load_recipe("laptop", OTHER_LAYOUT)) == output


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ("stages.fine.learning_rate=0.5", "stages.fine.learning_rate: 0.0"),
        ("model.audio=null", "model.audio: "),
        ("data.languages=[zh]", "data.languages: ['en', 'zh'] -> ['zh']"),
        ("seed=5", "seed: 0 -> 5"),
    ],
)
def test_other_settings_are_refused_and_named(tmp_path: Path, override: str, named: str) -> None:
    output = begun(str(tmp_path))
    with pytest.raises(RequestError, match="name a new output, or use the recipe beside it") as refused:
        check_output(output.uri, load_recipe("laptop", [override]))
    assert named in str(refused.value)


def test_every_shipped_recipe_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    for name in ("laptop", "gpu"):
        recipe = load_recipe(name, ["stages.fine.weight_decay=1e-7", "stages.coarse.learning_rate=1e30"])
        output = Output(str(tmp_path / name))
        write_recipe(output, recipe)
        assert check_output(output.uri, recipe) == output
        assert load_recipe(f"{output.uri}/recipe.yaml") == recipe


@pytest.mark.parametrize(
    "content", ["- a list", "just text", "{unclosed: [", "", "steps: {merge: {engine: signal}}", "seed: many"]
)
def test_a_recipe_of_something_else_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "recipe.yaml").write_text(content)
    with pytest.raises(RequestError, match=r"its recipe\.yaml is of another job, .*name another"):
        check_output(str(tmp_path), Recipe())


@pytest.mark.parametrize("uri", ["{tmp}/other", "mock://output/other"])
def test_a_folder_with_something_else_is_refused(tmp_path: Path, uri: str) -> None:
    uri = uri.format(tmp=tmp_path)
    Folder.at(uri).write_text("holiday.txt", "sea")
    with pytest.raises(RequestError, match=f"output {uri}: it holds something else; name a new folder"):
        check_output(uri, Recipe())


def test_what_cannot_be_opened_or_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RequestError, match="it is a file; name a folder"):
        check_output(str(tmp_path / "file"), Recipe())
    with pytest.raises(RequestError, match=r"nosuchstore.*name another"):
        check_output("nosuchstore://bucket/run", Recipe())
    with pytest.raises(RequestError, match=r"cannot be written: .*name another"):
        write_recipe(Output("/proc/none/out"), Recipe())
