"""A figure beside its target, as one line that the summary of all benchmarks finds again."""

MARK = "figure"
SEPARATOR = " | "


def show(
    claim: str, measured: float, unit: str, *, at_most: float | None = None, at_least: float | None = None
) -> None:
    """Print a figure, its target and whether it was met.

    Args:
        claim: what was measured, in words.
        measured: the figure.
        unit: of the figure and of the target; empty for ratios.
        at_most: the target where less is better.
        at_least: the target where more is better.
    """
    bounds = [("at most", at_most), ("at least", at_least)]
    wanted = " and ".join(f"{word} {_number(bound, unit)}" for word, bound in bounds if bound is not None)
    met = (at_most is None or measured <= at_most) and (at_least is None or measured >= at_least)
    print(SEPARATOR.join((MARK, claim, _number(measured, unit), wanted, "met" if met else "MISSED")), flush=True)


def _number(value: float, unit: str) -> str:
    text = f"{value:.0f}" if value >= 100 else f"{value:.2f}" if not unit else f"{value:.1f}"
    return f"{text} {unit}".strip()
