"""Findings of several nodes, and checks that could not look."""

from collections.abc import Mapping

from affectgpt.doctor.check import Check, Finding, Node
from affectgpt.doctor.examination import joined, judged
from affectgpt.doctor.needs import Needs

ONE, TWO = Node("one", "1", "a"), Node("two", "2", "b")


class Counting(Check[int]):
    name = "counting"

    def look(self, needs: Needs) -> int:
        return 1

    def judge(self, needs: Needs, seen: Mapping[Node, int]) -> list[Finding]:
        return [self.ok(f"{sum(seen.values())} in all")]


def test_nodes_of_which_the_same_is_said_share_a_finding() -> None:
    same = [Finding("disks", name, "failed", "full", "make room") for name in ("one", "two")]
    other = Finding("disks", "two", "warning", "nearly full", "make room")
    assert joined([*same, other], ["one", "two"]) == [Finding("disks", "all", "failed", "full", "make room"), other]
    assert [finding.node for finding in joined(same, ["one", "two", "three"])] == ["one, two"]


def test_a_node_on_which_a_check_hangs_is_named_and_the_others_are_judged() -> None:
    seen = {ONE: 3, TWO: TimeoutError("no answer within 5 s")}
    hangs, rest = judged(Counting(), Needs((), ()), seen)
    assert (hangs.node, hangs.state, hangs.found) == ("two", "failed", "no answer within 5 s")
    assert rest.found == "3 in all"


def test_nothing_is_judged_where_no_node_could_look() -> None:
    [finding] = judged(Counting(), Needs((), ()), {ONE: TimeoutError("no answer")})
    assert finding.state == "failed"
