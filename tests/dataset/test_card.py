import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from datasets import load_dataset
from huggingface_hub import DatasetCard

from affectgpt.dataset.card import markdown, render_card
from affectgpt.dataset.schema import DATA, REJECTED


def front_matter(card: str) -> dict[str, Any]:
    _, matter, _ = card.split("---\n", 2)
    parsed = yaml.safe_load(matter)
    assert isinstance(parsed, dict)
    return parsed


def test_front_matter_is_what_the_hub_reads(report: dict[str, Any]) -> None:
    data = DatasetCard(render_card(report, "Demo")).data.to_dict()
    assert data["pretty_name"] == "Demo"
    assert data["language"] == ["en", "zh"]
    assert data["license"] == "unknown"
    assert data["size_categories"] == ["n<1K"]
    assert data["task_categories"] == ["video-text-to-text", "audio-text-to-text"]
    assert data["configs"] == [{"config_name": "default", "data_files": [{"split": "train", "path": "data/*.parquet"}]}]


@pytest.mark.parametrize(
    ("rows", "category"),
    [(0, "n<1K"), (999, "n<1K"), (1000, "1K<n<10K"), (115_595, "100K<n<1M"), (5_000_000_000, "1B<n<10B")],
)
def test_size_category_suits_the_number_of_rows(report: dict[str, Any], rows: int, category: str) -> None:
    assert front_matter(render_card({**report, "annotated": rows}, "Demo"))["size_categories"] == [category]


def test_languages_are_codes_that_the_hub_knows(report: dict[str, Any]) -> None:
    spoken = {"zh-Hans-CN": 3, "no": 2, "DE-at": 1, "unknown": 5, "fr": 0, "<b>": 1}
    assert front_matter(render_card({**report, "languages": spoken}, "Demo"))["language"] == ["en", "zh", "de", "no"]


@pytest.mark.parametrize(
    "name",
    [
        "yes",
        "null",
        "3.5",
        "clips: the 'best' \"of\" #1",
        "---\nlicense: mit\n---\n# owned",
        "<script>alert(1)</script> [x](javascript:alert(1)) `code` | *b*",
        "\u202eשלום\u0000\u0007\u2028 表情 🎭",
        "{{ 7 * 7 }} %YAML & !tag *alias",
        "long " * 1000,
    ],
)
def test_any_name_gives_a_card_that_parses(report: dict[str, Any], name: str) -> None:
    card = render_card(report, name)
    data = DatasetCard(card).data.to_dict()
    assert data == front_matter(card) | {"pretty_name": data["pretty_name"]}
    assert data["license"] == "unknown"
    assert data["pretty_name"].replace("␀", "\0").replace("␇", "\a") == " ".join(name.split())
    headings = re.findall(r"^# (.*)$", card, re.MULTILINE)
    assert len(headings) == 1
    assert not re.search(r"(?<!\\)[<>\[\]`|*{}]", headings[0])


def test_labels_and_engines_cannot_break_the_tables(report: dict[str, Any]) -> None:
    report["labels"] = [{"label": "a|b\n| c | <b>", "count": 3}]
    report["recipe"]["steps"]["merge"]["engine"] = "my|engine"
    card = render_card(report, "Demo")
    assert r"a\|b \| c \| \<b\> (3)" in card
    assert r"| merge | my\|engine |" in card


def test_every_column_of_the_data_is_described(report: dict[str, Any]) -> None:
    table = render_card(report, "Demo").split("## Columns")[1].split("## ")[0]
    described = [
        name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)
    ]
    assert described == DATA.names


def test_outcomes_and_steps_are_told(report: dict[str, Any]) -> None:
    card = render_card(report, "Demo")
    assert "| visual clue | signal |\n| merge | openai |" in card
    assert "in `data/` | 48 |" in card and "| **52** |" in card
    assert "label 0 (40), label 1 (39)" in card and "label 10 (" not in card
    assert "2 min 10 s" in card


def test_models_are_named_with_what_their_texts_are_worth(report: dict[str, Any]) -> None:
    assert "A language model" not in render_card(report, "Demo")
    report["recipe"]["models"] = {"big": {"engine": "openai", "model": "qwen|omni", "revision": None}}
    report["recipe"]["steps"]["merge"] = {"engine": None, "model": "big"}
    card = render_card(report, "Demo")
    assert r"| merge | qwen\|omni \(openai\) |" in card
    assert "A language model" in card
    report["recipe"]["models"]["big"]["revision"] = "abc"
    assert r"qwen\|omni, abc \(openai\)" in render_card(report, "Demo")


def test_limits_of_the_signal_engine_are_told_where_it_was_used(report: dict[str, Any]) -> None:
    assert "The `signal` engine" in render_card(report, "Demo")
    report["recipe"]["steps"]["visual_clue"]["engine"] = "vllm"
    assert "The `signal` engine" not in render_card(report, "Demo")


def test_datasets_loads_the_folder_by_its_card(report: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(render_card(report, "Demo"), encoding="utf-8")
    for folder, schema in (("data", DATA), ("rejected", REJECTED)):
        (tmp_path / folder).mkdir()
        row = pa.Table.from_pylist([{"clip_id": "one"}], schema=schema)
        pq.write_table(row, tmp_path / folder / "part-0.parquet")
    loaded = load_dataset(str(tmp_path), cache_dir=str(tmp_path / "cache"))
    assert loaded.column_names == {"train": DATA.names}
    assert loaded["train"]["clip_id"][:] == ["one"]


def test_a_card_of_nothing_says_so(empty_report: dict[str, Any]) -> None:
    card = render_card(empty_report, "Demo")
    assert "Length of all annotated clips: —. Distinct labels: 0.\n" in card
    assert "in `data/` | 0 |" in card


def test_text_is_cut_at_its_limit_before_it_is_escaped() -> None:
    stars = "* " * 300
    assert markdown(stars) == r"\* " * 99 + r"\*"
    assert markdown(stars, limit=5) == r"\* \*"
    assert markdown(stars, limit=None) == r"\* " * 299 + r"\*"
    assert markdown("well-known\n\twords") == "well-known words"


def test_filters_and_machine_made_subtitles_are_told(report: dict[str, Any]) -> None:
    plain = render_card(report, "emer")
    assert "Filters:" not in plain and "speech-to-text" not in plain
    recipe = report["recipe"] | {"filters": {"no_face": {"least": 0.3}, "emotionless": None}}
    recipe["steps"] = {"subtitle": {"engine": "my:Ears"}} | recipe["steps"]
    card = render_card({**report, "recipe": recipe}, "emer")
    assert "Filters: no face (least 0.3)." in card
    assert "`speech-to-text`" in card
