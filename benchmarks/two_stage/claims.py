"""The claim, that two stages beat the fine clips alone, arm against arm, and whether it holds."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from benchmarks.two_stage.arms import Arm
from benchmarks.two_stage.scoring import ArmScores, Difference, compare

_METRICS: Final = ("accuracy", "f_s")


@dataclass(frozen=True, slots=True)
class Claim:
    """One arm of two stages against every arm that learns from the same fine clips alone.

    Attributes:
        arm: the arm.
        on: which clips it is judged by, in words.
        against: by how much it is ahead of each of the others.
        missing: those of the others that have not been run on any of these clips.
    """

    arm: str
    on: str
    against: Sequence[Difference]
    missing: Sequence[str]

    @property
    def holds(self) -> bool:
        """Whether it is ahead of all of them by more than the chance of the clips, by every metric."""
        return not self.missing and all(difference.over_clips[0] > 0 for difference in self.against)

    def sentences(self) -> Iterator[str]:
        """Say what was found: the verdict first, then each comparison."""
        verdict = "HOLDS" if self.holds else "DOES NOT HOLD"
        if self.missing and all(difference.over_clips[0] > 0 for difference in self.against):
            verdict = f"OPEN until {' and '.join(self.missing)} has been run"
        yield f"{self.arm} beats every arm of the same fine clips alone, on {self.on}: {verdict}"
        for difference in self.against:
            yield f"  {sentence(difference)}"

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        against = [asdict(difference) for difference in self.against]
        return {"arm": self.arm, "on": self.on, "holds": self.holds, "missing": self.missing, "against": against}


def kind(arm: str) -> str:
    """Tell which kind an arm is of, by its name."""
    if arm.startswith("fine only"):
        return "fine only"
    if " then " in arm:
        return "two stages"
    return "coarse" if arm.startswith(("coarse only", "mixed", "rules")) else "other"


def find_claims(
    planned: Sequence[Arm],
    scores: Mapping[str, ArmScores],
    speaker_of: Mapping[str, str],
    on: str,
    among: Collection[str] | None = None,
) -> list[Claim]:
    """Compare each arm of two stages with those of the same fine clips alone, as far as they have been run.

    Args:
        planned: the arms.
        scores: of those that have been run.
        speaker_of: the speaker of each clip.
        on: the clips that are looked at, in words.
        among: these clips, or None for all.
    """
    claims = []
    for arm in planned:
        if kind(arm.name) != "two stages" or arm.key not in scores:
            continue
        rivals = [one.key for one in planned if kind(one.name) == "fine only" and one.fine_clips == arm.fine_clips]
        against = [
            compare((arm.key, rival), scores, speaker_of, metric, among)
            for rival in rivals
            if rival in scores
            for metric in _METRICS
        ]
        claims.append(Claim(arm.key, on, against, [rival for rival in rivals if rival not in scores]))
    return claims


def best_alone(planned: Sequence[Arm], scores: Mapping[str, ArmScores], fine_clips: int) -> str | None:
    """Name the arm that is most often right of those that learn from so many fine clips alone, or None before any."""
    run = [one.key for one in planned if kind(one.name) == "fine only" and one.fine_clips == fine_clips]
    return max((key for key in run if key in scores), key=lambda key: scores[key].correct.mean(), default=None)


def sentence(difference: Difference) -> str:
    """Say by how much the first arm is ahead of the other, and how sure that is."""
    clips, speakers = (
        f"{100 * low:+.1f} to {100 * high:+.1f}" for low, high in (difference.over_clips, difference.over_speakers)
    )
    return (
        f"{100 * difference.difference:+5.1f} points of {difference.metric} against {difference.other} "
        f"(95 % interval over clips {clips}, over speakers {speakers}, p = {difference.p:.2g})"
    )
