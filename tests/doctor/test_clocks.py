"""Which clocks are said to be wrong."""

import pytest

from affectgpt.doctor.check import Node
from affectgpt.doctor.clocks import ClocksCheck, Offset
from affectgpt.doctor.needs import Needs


def test_a_clock_is_compared_with_the_middle_of_the_exchange() -> None:
    offset = Offset.measured(sent=100.0, there=107.0, received=104.0)
    assert (offset.seconds, offset.uncertainty_s) == (5.0, 2.0)


@pytest.mark.parametrize(
    ("seconds", "uncertainty_s", "state"),
    [(0.2, 0.1, "ok"), (-5.0, 0.1, "warning"), (300.0, 0.1, "failed"), (-300.0, 0.1, "failed"), (5.0, 4.5, "ok")],
)
def test_only_what_is_surely_wrong_is_said(seconds: float, uncertainty_s: float, state: str) -> None:
    [finding] = ClocksCheck().judge(Needs((), ()), {Node("one", "1", "a"): Offset(seconds, uncertainty_s)})
    assert finding.state == state
    if state != "ok":
        assert ("behind" if seconds < 0 else "ahead of") in finding.found
