"""The set-level metrics by their definition, clip by clip, to hold the fast ones against."""

from collections.abc import Callable, Sequence

Group = Callable[[str], str | None]


def precision_recall(
    references: Sequence[Sequence[str]], predictions: Sequence[Sequence[str]], group: Group
) -> list[tuple[float, float] | None]:
    """P and R of each clip, None where the truth has no group."""
    return [_of_clip(truth, predicted, group) for truth, predicted in zip(references, predictions, strict=True)]


def _of_clip(truth: Sequence[str], predicted: Sequence[str], group: Group) -> tuple[float, float] | None:
    true = {group(label) for label in truth} - {None}
    guessed = {group(label) for label in predicted} - {None}
    if not true:
        return None
    if not guessed:
        return 0.0, 0.0
    return len(true & guessed) / len(guessed), len(true & guessed) / len(true)


def means(scores: Sequence[tuple[float, float] | None]) -> tuple[float, float, float]:
    """Precision_s, Recall_s and F_s of scored clips."""
    known = [score for score in scores if score is not None]
    precision = sum(one for one, _ in known) / len(known)
    recall = sum(one for _, one in known) / len(known)
    return precision, recall, 2 * precision * recall / (precision + recall) if precision + recall else 0.0
