import hashlib
import os
import random
import subprocess
import sys
from collections import defaultdict
from collections.abc import Collection, Sequence
from pathlib import Path

import pytest

from affectgpt.errors import RequestError
from affectgpt.evaluation.label_lists import clean_label
from affectgpt.evaluation.splits import PARTS, Split, check_split_output, make_split, read_split, write_split
from affectgpt.evaluation.tables import read_table

FRACTIONS = (0.7, 0.1, 0.2)
SECTORS = ("joy", "trust", "fear", "surprise", "sadness", "disgust", "anger", "anticipation")


def made_groups(count: int, seed: int) -> list[set[str]]:
    """Groups as unequal as emotions are, up to five for a clip, some clips without any."""
    chance = random.Random(seed)
    weights = [1 / (place + 1) for place in range(len(SECTORS))]
    return [set(chance.choices(SECTORS, weights, k=chance.randrange(6))) for _ in range(count)]


def counts(split: Split, clip_ids: Sequence[str], groups: Sequence[Collection[str]]) -> dict[str, list[int]]:
    """Count the clips of each group in each part."""
    part_of = {clip_id: PARTS.index(part) for part, ids in split.parts.items() for clip_id in ids}
    found: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for clip_id, its in zip(clip_ids, groups, strict=True):
        for group in set(its):
            found[group][part_of[clip_id]] += 1
    return found


def check(split: Split, clip_ids: Sequence[str], groups: Sequence[Collection[str]], fractions: Sequence[float]) -> int:
    """Check that nothing is lost or doubled, the sizes, and every group of 20 or more; returns how many there are."""
    members = [clip_id for part in PARTS for clip_id in split.parts[part]]
    assert sorted(members) == sorted(clip_ids)
    assert all(
        abs(len(split.parts[part]) - len(clip_ids) * share) < 1 for part, share in zip(PARTS, fractions, strict=True)
    )
    large = {group: its for group, its in counts(split, clip_ids, groups).items() if sum(its) >= 20}
    for group, its in large.items():
        for count, share in zip(its, fractions, strict=True):
            assert count / sum(its) == pytest.approx(share, abs=0.05), (group, its)
    return len(large)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("fractions", [FRACTIONS, (0.5, 0.25, 0.25), (0.8, 0.0, 0.2), (1 / 3, 1 / 3, 1 / 3)])
def test_groups_are_spread_as_the_clips_are(seed: int, fractions: tuple[float, float, float]) -> None:
    clip_ids = [f"clip {number}" for number in range(332)]
    groups = made_groups(332, seed)
    assert check(make_split(clip_ids, groups, fractions, seed), clip_ids, groups, fractions) == len(SECTORS)


@pytest.mark.parametrize("seed", range(3))
def test_real_labels_most_of_them_rare(shared: Path, seed: int) -> None:
    table = read_table(str(shared / "reference" / "ov_merd" / "ground_truth.csv"))
    assert table.labels is not None
    groups = [{clean_label(label) for label in labels} for labels in table.labels]
    assert len(set().union(*groups)) > 200
    assert check(make_split(table.clip_ids, groups, seed=seed), table.clip_ids, groups, FRACTIONS) >= 10


def test_neither_order_nor_machine_matters() -> None:
    clip_ids = [f"clip {number}" for number in range(200)]
    groups = made_groups(200, 1)
    split = make_split(clip_ids, groups)
    pairs = list(zip(clip_ids, map(sorted, groups), strict=True))
    random.Random(2).shuffle(pairs)
    assert make_split([one for one, _ in pairs], [its for _, its in pairs]) == split
    program = (
        "from affectgpt.evaluation.splits import make_split\n"
        f"print(make_split({clip_ids!r}, {[sorted(its) for its in groups]!r}).fingerprint)"
    )
    for hash_seed in ("1", "2"):
        environment = {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": ":".join(sys.path)}
        shown = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
        )
        assert shown.stdout.strip() == split.fingerprint


def test_the_split_of_today_is_that_of_tomorrow() -> None:
    clip_ids = [f"clip {number}" for number in range(20)]
    groups = [{"odd" if number % 2 else "even"} for number in range(20)]
    split = make_split(clip_ids, groups)
    assert split.parts["validation"] == ("clip 1", "clip 4")
    assert split.parts["test"] == ("clip 10", "clip 14", "clip 3", "clip 7")


def test_another_seed_gives_another_split() -> None:
    clip_ids = [f"clip {number}" for number in range(100)]
    groups = made_groups(100, 1)
    splits = [make_split(clip_ids, groups, seed=seed) for seed in range(5)]
    assert len({split.fingerprint for split in splits}) == 5


def test_fingerprint() -> None:
    split = Split({"train": ("b", "a"), "validation": (), "test": ("c",)})
    assert split.fingerprint == hashlib.sha256(b"a\ttrain\nb\ttrain\nc\ttest").hexdigest()


def test_few_clips_and_no_groups() -> None:
    assert make_split(["a"], [set()]).parts == {"train": ("a",), "validation": (), "test": ()}
    assert make_split(["a"], [{"joy"}], (0.0, 0.0, 1.0)).parts["test"] == ("a",)
    clip_ids = [str(number) for number in range(95)]
    split = make_split(clip_ids, [()] * 95)
    assert [len(split.parts[part]) for part in PARTS] == [67, 9, 19]
    assert check(split, clip_ids, [()] * 95, FRACTIONS) == 0


@pytest.mark.parametrize(
    ("clip_ids", "groups", "fractions", "says"),
    [
        (["a", "b", "a"], [(), (), ()], FRACTIONS, "row 3, ids to split: it has the same id a as row 1"),
        (["a"], [()], (0.7, 0.1, 0.1), r"sum to 0\.9; give three that sum to 1"),
        (["a"], [()], (1.2, -0.4, 0.2), "are not the shares"),
        (["a"], [()], (float("nan"), 0.5, 0.5), "are not the shares"),
        (["a"], [()], (0.5, 0.5), "are not the shares of train, validation, test"),
        ([], [], FRACTIONS, "there are no clips"),
        (["a"], [], FRACTIONS, "1 clips and 0 sets of groups"),
    ],
)
def test_wrong_requests(clip_ids: list[str], groups: list[tuple[str]], fractions: tuple[float], says: str) -> None:
    with pytest.raises(RequestError, match=says):
        make_split(clip_ids, groups, fractions)


def test_a_split_is_written_and_read(tmp_path: Path) -> None:
    clip_ids = ['x "quoted", and/more', "一", *map(str, range(40))]
    split = make_split(clip_ids, made_groups(42, 3), seed=7)
    path = tmp_path / "new" / "split.csv"
    write_split(split, str(path))
    assert path.read_text(encoding="utf-8").startswith("clip_id,part,seed\n0,")
    found = read_split(str(path))
    assert (found.parts, found.seed, found.fingerprint) == (split.parts, 7, split.fingerprint)
    assert found.fractions is None
    write_split(found, path.as_uri())
    assert read_split(str(path)) == found


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("clip_id,seed\na,0\n", r"no column part \(its columns: clip_id, seed\); .*train, validation, test"),
        ("name,part\na,test\n", "no column clip_id"),
        ("clip_id,part\na,dev\n", "row 1 of the split .* has the part dev; give one of train, validation, test"),
        ("clip_id,part\na,test\nb,train\na,train\n", "row 3, .* the same id a as row 1"),
        ("clip_id,part,seed\na,test,0\nb,test,1\n", "has several seeds"),
        ("clip_id,part,seed\na,test,x\n", "has the seed x"),
        ("clip_id,part\n", "has no rows"),
    ],
)
def test_bad_splits(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "split.csv"
    path.write_text(content)
    with pytest.raises(RequestError, match=says) as raised:
        read_split(str(path))
    assert "split.csv" in str(raised.value)


def test_a_split_without_a_seed(tmp_path: Path) -> None:
    (tmp_path / "split.csv").write_text("clip_id,part\na,test\n")
    split = read_split(str(tmp_path / "split.csv"))
    assert (split.seed, split.parts["test"]) == (None, ("a",))
    write_split(split, str(tmp_path / "again.csv"))
    assert read_split(str(tmp_path / "again.csv")) == split


def test_a_split_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RequestError, match=r"split\.csv cannot be written: .*; name another"):
        write_split(make_split(["a"], [()]), str(tmp_path / "file" / "split.csv"))


@pytest.mark.parametrize("name", ["split.parquet", "split", "split.tsv", ".csv"])
def test_an_output_that_could_not_be_read_back(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with pytest.raises(RequestError, match=r"does not end in \.csv; name a file like split\.csv"):
        write_split(make_split(["a"], [()]), str(path))
    assert not path.exists()


@pytest.mark.parametrize(
    "content",
    [
        "name,openset\na,['sad']\n",
        "clip_id,part,seed\na,dev,0\n",
        "clip_id,part,seed,openset\na,test,0,sad\n",
        "clip_id,part\na,test\n",
        "\xff",
        "",
    ],
)
def test_what_is_no_split_is_not_overwritten(tmp_path: Path, content: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(content.encode("latin-1"))
    for refuse in (check_split_output, lambda output: write_split(make_split(["a"], [()]), output)):
        with pytest.raises(RequestError, match=r"labels\.csv is there already and is no split .*; name another"):
            refuse(str(path))
    assert path.read_bytes() == content.encode("latin-1")


def test_a_folder_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "split.csv").mkdir()
    with pytest.raises(RequestError, match="is there already and is no split"):
        check_split_output(str(tmp_path / "split.csv"))


@pytest.mark.parametrize("mode", [0o555, 0o000])
def test_an_output_that_may_not_be_written(tmp_path: Path, mode: int) -> None:
    """Root writes everywhere, unless it gives up that capability."""
    code = """
import sys
from affectgpt.evaluation.splits import make_split, write_split
from affectgpt.errors import RequestError
try:
    write_split(make_split(["a"], [()]), sys.argv[1])
except RequestError as error:
    print(error)
"""
    give_up = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    path = tmp_path / "locked" / "split.csv"
    path.parent.mkdir(mode=mode)
    command = [*give_up, sys.executable, "-c", code, str(path)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    path.parent.chmod(0o755)
    assert answer.stdout.startswith(f"output: {path} cannot be written: ")
    assert "Permission denied" in answer.stdout and answer.stdout.endswith("; name another\n")
