from pathlib import Path

import pytest

from affectgpt.dataset.ledger import Folder
from affectgpt.dataset.recipe import load_recipe
from affectgpt.dataset.versions import archive, begin, changes_since
from affectgpt.errors import RequestError

ONE, TWO, THREE = (load_recipe("laptop", [f"decode.frames={frames}"]) for frames in (1, 2, 3))


def published(folder: Path, content: str) -> None:
    """Publish as a run does: archive, then write anew."""
    archive(Folder.at(str(folder)))
    for name in ("data", "rejected"):
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "part-0.parquet").write_text(content)
    for name in ("report.html", "README.md", "report.json"):
        (folder / name).write_text(content)


def content_of(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): file.read_text()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name not in ("recipe.yaml", "values.json")
    }


def whole(content: str) -> dict[str, str]:
    names = ("README.md", "data/part-0.parquet", "rejected/part-0.parquet", "report.html", "report.json")
    return dict.fromkeys(names, content)


def test_another_recipe_makes_a_version_beside(tmp_path: Path) -> None:
    output = Folder.at(str(tmp_path))
    begin(output, ONE)
    published(tmp_path, "one")
    assert changes_since(output, "here", TWO) == ["decode.frames: 1 -> 2"]
    begin(output, TWO)
    assert content_of(tmp_path) == whole("one"), "what is published stays until there is something new"
    published(tmp_path, "two")
    assert content_of(tmp_path / "versions" / "1") == whole("one")
    assert "frames: 1" in (tmp_path / "versions" / "1" / "recipe.yaml").read_text()
    begin(output, THREE)
    published(tmp_path, "three")
    assert content_of(tmp_path / "versions" / "2") == whole("two")
    assert content_of(tmp_path) == whole("three") | {
        f"versions/{number}/{name}": text for number, text in ((1, "one"), (2, "two")) for name in whole(text)
    }


def test_the_same_recipe_makes_none(tmp_path: Path) -> None:
    output = Folder.at(str(tmp_path))
    for content in ("one", "one again"):
        begin(output, ONE)
        published(tmp_path, content)
    assert content_of(tmp_path) == whole("one again")


def test_what_was_never_published_is_no_version(tmp_path: Path) -> None:
    output = Folder.at(str(tmp_path))
    begin(output, ONE)
    begin(output, TWO)
    published(tmp_path, "two")
    assert content_of(tmp_path) == whole("two")


def test_a_recipe_given_up_half_way_leaves_the_published_version_its_own_recipe(tmp_path: Path) -> None:
    output = Folder.at(str(tmp_path))
    begin(output, ONE)
    published(tmp_path, "one")
    begin(output, TWO)
    begin(output, THREE)
    published(tmp_path, "three")
    assert content_of(tmp_path / "versions" / "1") == whole("one")
    assert "frames: 1" in (tmp_path / "versions" / "1" / "recipe.yaml").read_text()
    assert not (tmp_path / "versions" / "2").exists()


def test_moving_a_version_goes_on_where_it_was_killed(tmp_path: Path) -> None:
    output = Folder.at(str(tmp_path))
    begin(output, ONE)
    published(tmp_path, "one")
    begin(output, TWO)
    (tmp_path / "versions" / "1" / "data").mkdir()
    (tmp_path / "data" / "part-0.parquet").rename(tmp_path / "versions" / "1" / "data" / "part-0.parquet")
    begin(output, TWO)
    published(tmp_path, "two")
    assert content_of(tmp_path / "versions" / "1") == whole("one")


def test_an_output_of_an_earlier_release_says_so(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(ONE.to_yaml())
    assert changes_since(Folder.at(str(tmp_path)), "here", ONE) == ["made by an earlier release"]
    (tmp_path / "recipe.yaml").write_text("what: {is: this}")
    with pytest.raises(RequestError, match="of another job or version"):
        changes_since(Folder.at(str(tmp_path)), "here", ONE)


def test_a_run_that_could_not_even_write_its_recipe_left_nothing_to_speak_of(tmp_path: Path) -> None:
    output = Folder.at(str(tmp_path))
    begin(output, ONE)
    (tmp_path / "recipe.yaml").unlink()
    assert changes_since(output, "here", TWO) == []
    (tmp_path / "ledger" / "sources").mkdir()
    with pytest.raises(RequestError, match="it holds other files"):
        changes_since(output, "here", TWO)
