"""What two stages bring on real speech: coarse labels for many clips, true emotions for few, speakers never heard.

The coarse data are the signal engine's descriptions of the training speakers' clips, for which no label is looked at;
the fine data give the true emotion of 20, 40 or 80 of them. Every arm is judged by the project's own evaluation on
speakers that it never heard, all folds, several seeds. The folder holds sound files with one emotion each, and a table
of clip_id (or name, file), emotion (or label) and speaker; EmoDB needs none. A run that was stopped goes on when it is
started again with the same output.

    python -m benchmarks.two_stage [--media DIR] [--labels CSV] [--output DIR] [--quick]

Recipes are chosen with --choosing, which leaves the first fold's speakers out altogether, so that this fold shows what
a choice is worth.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from affectgpt.errors import RequestError
from benchmarks.figures import show
from benchmarks.two_stage.arms import CLUES_THEN_WORD, FINE_CLIPS, Arm, arms, folds
from benchmarks.two_stage.claims import best_alone, find_claims
from benchmarks.two_stage.corpus import Corpus, Utterance, prepare, read_utterances
from benchmarks.two_stage.report import print_table, write_findings
from benchmarks.two_stage.runs import check_settings, read_runs, run_all
from benchmarks.two_stage.scoring import Prediction, figures, score_arms

FOLDS: Final = 5
PROJECT: Final = Path(__file__).resolve().parents[2]


def main() -> int:
    """Run what is not yet run, and report on all that is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shared = Path(os.environ.get("AFFECTGPT_SHARED", PROJECT.parent / "shared"))
    parser.add_argument("--media", type=Path, default=shared / "media" / "emodb", help="folder of clips")
    parser.add_argument("--labels", type=Path, help="table of the clips' emotions and speakers")
    parser.add_argument("--output", type=Path, help="folder for runs and findings")
    parser.add_argument("--seeds", type=int, default=2, help="how often each fold is run")
    parser.add_argument("--processes", type=int, default=2, help="folds that are run side by side, one core each")
    parser.add_argument("--choosing", action="store_true", help="leave the first fold out, to choose recipes")
    parser.add_argument("--quick", action="store_true", help="one fold, one seed, few steps: whether it works at all")
    parser.add_argument("--report", action="store_true", help="run nothing; report on what has been run")
    options = parser.parse_args()
    output = options.output or PROJECT / "build" / (_folder_name(options.quick, options.choosing))
    try:
        utterances = read_utterances(options.media, options.labels, fewest_speakers=FOLDS)
        output.mkdir(parents=True, exist_ok=True)
        planned = arms(*(30, 15) if options.quick else ())
        check_settings(output, _settings(utterances, planned))
        corpus = prepare(utterances, output / "corpus.pickle")
    except RequestError as error:
        print(error, file=sys.stderr)
        return 2
    if not options.report:
        every = [fold for seed in range(options.seeds) for fold in folds(corpus, FOLDS, seed, options.choosing)]
        run_all(corpus, planned, every[:1] if options.quick else every, output, options.processes)
    _report(corpus, read_runs(output), planned, output)
    return 0


def _folder_name(quick: bool, choosing: bool) -> str:
    return "two_stage" + ("_choosing" if choosing else "") + ("_quick" if quick else "")


def _report(corpus: Corpus, predictions: Sequence[Prediction], planned: Sequence[Arm], output: Path) -> None:
    truth = {utterance.clip_id: utterance.emotion for utterance in corpus.utterances}
    speaker_of = {utterance.clip_id: utterance.speaker for utterance in corpus.utterances}
    scores = score_arms(predictions, truth, output / "tables")
    rows = {arm: figures(of_arm, truth) for arm, of_arm in scores.items()}
    print_table(rows)
    claims = find_claims(planned, scores, speaker_of, "all unseen speakers that were run")
    apart = {clip for one in predictions if one.fold == 0 for clip in one.clip_ids}
    if apart:
        claims += find_claims(planned, scores, speaker_of, "the speakers that no choice was made on", apart)
    for claim in claims:
        print("\n".join(claim.sentences()))
    write_findings(output, rows, claims, _settings(corpus.utterances, planned))
    for clips in FINE_CLIPS:
        best = best_alone(planned, scores, clips)
        arm = Arm(CLUES_THEN_WORD, clips).key
        if best is not None and arm in rows:
            ahead = 100 * (rows[arm]["accuracy"] - rows[best]["accuracy"])
            show(f"two_stage: {arm} beside {best}, accuracy", ahead, "points", at_least=0)


def _settings(utterances: Sequence[Utterance], planned: Sequence[Arm]) -> dict[str, object]:
    return {
        "folds": FOLDS,
        "clips": len(utterances),
        "speakers": len({utterance.speaker for utterance in utterances}),
        "stages": {arm.key: [asdict(stage) for stage in arm.stages] for arm in planned},
    }


if __name__ == "__main__":
    sys.exit(main())
