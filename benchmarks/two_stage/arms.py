"""The arms of the benchmark: what each learns, stage by stage, and how one is run on one fold."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from affectgpt.annotate.signal.wording import join_en
from affectgpt.evaluation.extraction.lexicon import extract_by_lexicon
from benchmarks.two_stage.corpus import Corpus
from benchmarks.two_stage.learning import Learner, Lesson, settings
from benchmarks.two_stage.linear import classify
from benchmarks.two_stage.scoring import Prediction, class_of

FINE_CLIPS: Final = (20, 40, 80)
ALL: Final = 0
"""As a number of fine clips: every clip of the training speakers."""

CLUES_THEN_WORD: Final = "clues alone then the word"
JUDGED_CLUES_THEN_WORD: Final = "judged clues then the word"
AGREEING: Final = "agreeing"

COARSE_STEPS: Final = 1000
FINE_STEPS: Final = 150
CLUE_SHARE: Final = 0.435
"""Of the steps of both stages, those in which ``CLUES_THEN_WORD`` learns clues."""
COARSE_RATE: Final = 2e-3
FINE_RATE: Final = 1e-3
LABEL_WEIGHT: Final = 3.0

_ASIDE: Final = re.compile(r"\s*\([^)]*\)")
_LONGEST: Final = 120


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of an arm.

    Attributes:
        steps: of the optimizer, 16 clips each.
        rate: the learning rate at its highest.
        coarse: which text of the coarse clips is learnt, or None: none is. ``AGREEING`` takes the word of the model
            itself, of those clips alone that have it among their coarse labels too.
        fine: which text of the fine clips is learnt, or None.
        replay: share of coarse clips where both are learnt.
    """

    steps: int
    rate: float
    coarse: str | None = None
    fine: str | None = None
    replay: float = 0.0


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to learn from coarse and fine clips; without stages it is no model of ours."""

    name: str
    fine_clips: int | None
    stages: tuple[Stage, ...] = ()

    @property
    def key(self) -> str:
        """Its name, with the number of fine clips where it has some."""
        clips = {None: "", ALL: ", all"}.get(self.fine_clips, f", {self.fine_clips}")
        return f"{self.name}{clips}"


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """Clips of the corpus, as places: those of the training speakers, and those of the speakers that nobody has heard.

    Attributes:
        number: of the fold.
        seed: decides which clips are fine, and on weights and order.
        training: (N,) in an order of chance; its first clips are the fine ones.
        test: (M,).
    """

    number: int
    seed: int
    training: NDArray[np.int64]
    test: NDArray[np.int64]

    def fine(self, clips: int | None) -> NDArray[np.int64]:
        """Choose the fine clips: a larger number holds the smaller ones; ``ALL`` takes every clip."""
        return self.training if clips == ALL else self.training[: clips or 0]


def folds(corpus: Corpus, count: int, seed: int, choosing: bool) -> list[Fold]:
    """Divide the speakers into folds, the same for every seed, and order the training clips by the seed.

    Args:
        corpus: the clips.
        count: how many folds.
        seed: of the run.
        choosing: whether the first fold's speakers are left out altogether, from the training too: recipes are chosen
            on the others, so that the first fold shows what a choice is worth.
    """
    speakers = np.random.default_rng(0).permutation(corpus.speakers)
    parts = np.array_split(speakers, count)
    of_clip = np.array([utterance.speaker for utterance in corpus.utterances])
    kept = ~np.isin(of_clip, parts[0]) if choosing else np.ones(len(of_clip), bool)
    found = []
    for number, tested in enumerate(parts):
        is_test = np.isin(of_clip, tested)
        training = np.flatnonzero(~is_test & kept)
        chance = np.random.default_rng((seed, number))
        found.append(Fold(number, seed, chance.permutation(training), np.flatnonzero(is_test)))
    return found[1:] if choosing else found


def texts_of(corpus: Corpus, training: Sequence[int]) -> list[str]:
    """Give what the tokenizer of every arm is learnt from: coarse texts, and the words of all answers."""
    words = sorted(set(corpus.emotions))
    coarse = [COARSE[kind](corpus, clip).answer for clip in training for kind in ("description", "clue first")]
    return [*coarse, *(_sounds([word]) for word in words for _ in range(20))]


def _described(corpus: Corpus, clip: int) -> Lesson:
    return Lesson(clip, corpus.descriptions[clip], corpus.labels[clip])


def _clue_first(corpus: Corpus, clip: int) -> Lesson:
    return Lesson(clip, f"{short_clue(corpus.clues[clip])} {_sounds(corpus.labels[clip])}", corpus.labels[clip])


def _clue_alone(corpus: Corpus, clip: int) -> Lesson:
    return Lesson(clip, short_clue(corpus.clues[clip]), ())


def _fine_description(corpus: Corpus, clip: int) -> Lesson:
    emotion = corpus.emotions[clip]
    return Lesson(clip, f"{short_clue(corpus.clues[clip])} {_sounds([emotion])}", (emotion,))


def _fine_word(corpus: Corpus, clip: int) -> Lesson:
    emotion = corpus.emotions[clip]
    return Lesson(clip, _sounds([emotion]), (emotion,))


def _sounds(labels: Sequence[str]) -> str:
    return f"The speaker sounds {join_en(labels)}."


def short_clue(clue: str) -> str:
    """Shorten an acoustic clue: no numbers, one sentence."""
    parts = re.split(r"[;,] ", _ASIDE.sub("", clue).rstrip("."))
    return ", ".join(part for part in parts if not re.search(r"\d", part)) + "."


Text = Callable[[Corpus, int], Lesson]

COARSE: Final[Mapping[str, Text]] = {"description": _described, "clue first": _clue_first, "clue": _clue_alone}
"""What can be learnt of a coarse clip, out of the columns of the data set; no true label is looked at."""
FINE: Final[Mapping[str, Text]] = {"description": _fine_description, "word": _fine_word}
"""What can be learnt of a fine clip: the clue without its judgement and the true emotion, or the emotion alone."""


def arms(coarse_steps: int = COARSE_STEPS, fine_steps: int = FINE_STEPS) -> list[Arm]:
    """List the arms; those that go on from the same first stage stand together."""
    both = coarse_steps + fine_steps
    coarse = Stage(coarse_steps, COARSE_RATE, coarse="description")
    described, word = Stage(fine_steps, FINE_RATE, fine="description"), Stage(fine_steps, FINE_RATE, fine="word")
    judged = Stage(coarse_steps, COARSE_RATE, coarse="clue first")
    clue_steps = round(CLUE_SHARE * both)
    clues = Stage(clue_steps, COARSE_RATE, coarse="clue")
    word_for_long = Stage(both - clue_steps, COARSE_RATE, fine="word")
    agreeing = Stage(fine_steps, FINE_RATE, coarse=AGREEING, fine="word", replay=0.5)
    alone = [
        Arm(f"fine only, {kind}", clips, (Stage(fine_steps, COARSE_RATE, fine=kind),))
        for kind in FINE
        for clips in FINE_CLIPS
    ]
    matched = [
        Arm(f"fine only, {kind}, compute-matched", clips, (Stage(both, COARSE_RATE, fine=kind),))
        for kind, clips in (*(("word", clips) for clips in FINE_CLIPS), ("description", 40))
    ]
    return [
        *alone,
        *matched,
        *(Arm(CLUES_THEN_WORD, clips, (clues, word_for_long)) for clips in FINE_CLIPS),
        *(Arm(JUDGED_CLUES_THEN_WORD, clips, (judged, word)) for clips in FINE_CLIPS),
        *(
            Arm(f"{JUDGED_CLUES_THEN_WORD}, then agreeing clips", clips, (judged, word, agreeing))
            for clips in FINE_CLIPS
        ),
        Arm("coarse only", None, (coarse,)),
        *(Arm("coarse then fine", clips, (coarse, described)) for clips in FINE_CLIPS),
        Arm(
            "coarse then fine, 20 % coarse replay",
            40,
            (coarse, Stage(fine_steps, FINE_RATE, coarse="description", fine="description", replay=0.2)),
        ),
        Arm(
            "mixed in one stage", 40, (Stage(both, COARSE_RATE, coarse="description", fine="description", replay=0.8),)
        ),
        Arm("all fine, word", ALL, (Stage(both, COARSE_RATE, fine="word"),)),
    ]


class FoldRun:
    """Runs arms on one fold with one seed; stages that several arms begin with are trained once."""

    def __init__(self, corpus: Corpus, fold: Fold) -> None:
        """Take what every arm of the fold is given."""
        self._corpus, self._fold = corpus, fold
        self._texts = texts_of(corpus, fold.training.tolist())
        self._states: dict[tuple[tuple[Stage, ...], int | None], dict[str, torch.Tensor]] = {}

    def run(self, arm: Arm) -> Prediction:
        """Train an arm, and describe the clips of the speakers that it has not heard."""
        learner = Learner(self._texts, self._corpus.features, 100 * self._fold.seed + self._fold.number)
        for end, stage in enumerate(arm.stages, start=1):
            learnt = arm.stages[:end]
            key = (learnt, None if all(one.fine is None for one in learnt) else arm.fine_clips)
            if key in self._states:
                learner.load(self._states[key])
            else:
                self._learn(learner, stage, self._fold.fine(arm.fine_clips))
                self._states[key] = learner.states()
        return self._prediction(arm.key, learner.describe(self._fold.test.tolist(), _LONGEST), None)

    def run_baselines(self) -> Iterator[Prediction]:
        """Judge the clips without a model of ours: by the coarse labels, and by a linear classifier."""
        yield self._prediction("rules alone", None, [list(self._corpus.labels[clip]) for clip in self._fold.test])
        emotions = np.array(self._corpus.emotions)
        for clips in (*FINE_CLIPS, ALL):
            learnt = self._fold.fine(clips)
            judged = classify(self._corpus.prosody[learnt], emotions[learnt], self._corpus.prosody[self._fold.test])
            labels = [[str(emotion)] for emotion in judged]
            yield self._prediction(Arm("linear classifier", clips).key, None, labels)

    def _learn(self, learner: Learner, stage: Stage, fine: NDArray[np.int64]) -> None:
        lessons: dict[str, list[Lesson]] = {}
        shares: dict[str, float] = {}
        if stage.coarse is not None:
            training = self._fold.training.tolist()
            if stage.coarse == AGREEING:
                lessons["coarse"] = self._agreeing(learner, sorted(set(training) - set(fine.tolist())))
            else:
                lessons["coarse"] = [COARSE[stage.coarse](self._corpus, clip) for clip in training]
            if lessons["coarse"]:
                shares["coarse"] = 1.0 if stage.fine is None else stage.replay
        if stage.fine is not None:
            lessons["fine"] = [FINE[stage.fine](self._corpus, clip) for clip in fine.tolist()]
            shares["fine"] = 1.0 - stage.replay
        learner.learn(settings(stage.steps, stage.rate, shares), lessons, LABEL_WEIGHT)

    def _agreeing(self, learner: Learner, clips: Sequence[int]) -> list[Lesson]:
        """Let the model name the emotions of coarse clips, and keep those whose coarse labels name them too."""
        classes = tuple(sorted(set(self._corpus.emotions)))
        heard = extract_by_lexicon(learner.describe(clips, _LONGEST), "en")
        named = [class_of(labels[0], classes) if labels else None for labels in heard]
        coarse = [{class_of(label, classes) for label in self._corpus.labels[clip]} for clip in clips]
        return [
            Lesson(clip, _sounds([emotion]), (emotion,))
            for clip, emotion, labels in zip(clips, named, coarse, strict=True)
            if emotion is not None and emotion in labels
        ]

    def _prediction(
        self, arm: str, descriptions: Sequence[str] | None, labels: Sequence[Sequence[str]] | None
    ) -> Prediction:
        ids = [self._corpus.utterances[clip].clip_id for clip in self._fold.test]
        return Prediction(arm, self._fold.number, self._fold.seed, ids, descriptions, labels)
