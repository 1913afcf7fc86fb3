"""What an evaluation costs: as many clips as EMER-Coarse has, the definition as a plain loop beside it, and 332 clips.

python -m benchmarks.evaluate [--clips 115595]
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from affectgpt.evaluation.comparing import Comparison, compare_clips
from affectgpt.evaluation.emotion_wheels import EmotionWheels, shipped_wheels
from affectgpt.evaluation.extraction.lexicon import extract_by_lexicon
from affectgpt.evaluation.grouping import wheel_groupings
from affectgpt.evaluation.labelled_clips import LabelledClips, label_clips
from affectgpt.evaluation.scoring import score
from affectgpt.evaluation.tables import ColumnNames, read_table
from affectgpt.evaluation.vocabulary import english_words
from benchmarks.figures import show
from benchmarks.many_clips import PROJECT
from benchmarks.process_tree import Cost, measure

EMER_COARSE = 115_595
EMER_FINE = 332
ONE_CORE = ["taskset", "--cpu-list", "0"]


def main() -> None:
    """Measure the command on many clips and on few, and the scoring beside a plain loop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=EMER_COARSE)
    clips = parser.parse_args().clips
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        many = _run(work, clips)
        sides = [_labelled(work / f"{name}.parquet") for name in ("references", "predictions")]
        few = _run(work, EMER_FINE)
    show(f"evaluate: {clips:,} clips with report, one core", many.wall_s, "s", at_most=60)
    show(f"evaluate: memory for {clips:,} clips", many.driver_mb, "MB", at_most=2000)
    show(f"evaluate: {EMER_FINE} clips, start-up included", few.wall_s, "s", at_most=3)
    show("evaluate: a plain loop over the definition, CPU beside ours", _loop_beside_ours(*sides), "", at_least=20)


def _run(work: Path, clips: int) -> Cost:
    """Evaluate made labels: five a clip, four of five of the prediction right."""
    chance = random.Random(0)
    forms = sorted(form for form in english_words() if "'" not in form)
    truth = [[chance.choice(forms) for _ in range(5)] for _ in range(clips)]
    guess = [[label if chance.random() < 0.8 else chance.choice(forms) for label in labels] for labels in truth]
    for name, labels in (("references", truth), ("predictions", guess)):
        ids = [f"clip/{number:09d}" for number in range(clips)]
        pq.write_table(pa.table({"clip_id": ids, "labels": labels}), work / f"{name}.parquet")
    job = [sys.executable, str(PROJECT / "jobs" / "evaluate.py"), "--output", str(work / str(clips))]
    tables = ["--references", str(work / "references.parquet"), "--predictions", str(work / "predictions.parquet")]
    cost = measure([*ONE_CORE, *job, *tables], {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"})
    print(f"{cost.output}{clips:,} clips: {cost.wall_s:.1f} s, {cost.cpu_s:.1f} s CPU, {cost.driver_mb:.0f} MB")
    return cost


def _labelled(path: Path) -> LabelledClips:
    return label_clips(read_table(str(path)), ColumnNames(), extract_by_lexicon, english_only=False)


def _loop_beside_ours(references: LabelledClips, predictions: LabelledClips) -> float:
    """Score every wheel grouping both ways; they must agree. Both start from lists of labels."""
    wheels = shipped_wheels()
    comparison = compare_clips(references, predictions, strict=True)
    began = time.process_time()
    ours = _score(comparison, wheels)
    ours_s = time.process_time() - began
    began = time.process_time()
    plain = _plain_loop(references.labels, predictions.labels, wheels)
    plain_s = time.process_time() - began
    assert ours.keys() == plain.keys()
    assert all(abs(one - other) < 1e-9 for key in ours for one, other in zip(ours[key], plain[key], strict=True))
    print(f"{len(plain)} groupings of {len(references.labels):,} clips: {ours_s:.2f} s CPU, in a loop {plain_s:.1f} s")
    return plain_s / ours_s


def _score(comparison: Comparison, wheels: EmotionWheels) -> Mapping[str, tuple[float, float]]:
    scored = score(comparison, wheel_groupings(wheels))
    return {
        key: (float(sets.precision[sets.counted].mean()), float(sets.recall[sets.counted].mean()))
        for key, sets in scored.sets.items()
    }


def _plain_loop(
    references: Sequence[Sequence[str]], predictions: Sequence[Sequence[str]], wheels: EmotionWheels
) -> Mapping[str, tuple[float, float]]:
    """The definition, grouping by grouping and clip by clip, with every mapping in a dictionary."""
    bases = {form: [word.base] for form, word in english_words().items()}
    words = {base: list(wheels.words_of(base)) for form in bases.values() for base in form}
    places = {f"{ring}.{wheel.name}": wheel.places[ring] for ring in ("level1", "level2") for wheel in wheels.wheels}
    found = {}
    for key in ("m1", "m2", *places):
        precision, recall = [], []
        for truth_labels, guessed_labels in zip(references, predictions, strict=True):
            truth = _groups(truth_labels, key, bases, words, places)
            guess = _groups(guessed_labels, key, bases, words, places)
            if truth:
                common = len(truth & guess)
                precision.append(common / len(guess) if guess else 0.0)
                recall.append(common / len(truth))
        found[key] = (sum(precision) / len(precision), sum(recall) / len(recall))
    return found


def _groups(
    labels: Sequence[str],
    key: str,
    bases: Mapping[str, list[str]],
    words: Mapping[str, list[str]],
    places: Mapping[str, Mapping[str, str]],
) -> set[str]:
    groups = set()
    for written in labels:
        label = written.lower().strip()
        if label not in bases:
            continue
        base = sorted(bases[label])[0]
        if key == "m1":
            groups.add(base)
        elif key == "m2":
            groups.add(sorted(words[base])[0])
        else:
            known = [word for one in bases[label] for word in words[one] if word in places[key]]
            if known:
                groups.add(places[key][sorted(known)[0]])
    return groups


if __name__ == "__main__":
    main()
