"""Checks look at once; one that hangs or fails keeps no other from answering."""

import threading
from collections.abc import Mapping

from affectgpt.doctor.check import Check, Finding, Node
from affectgpt.doctor.looking import look_all
from affectgpt.doctor.needs import Needs


class Hanging(Check[str]):
    name = "hanging"

    def __init__(self) -> None:
        self.let_go = threading.Event()

    def look(self, needs: Needs) -> str:
        self.let_go.wait()
        return "too late"

    def judge(self, needs: Needs, seen: Mapping[Node, str]) -> list[Finding]:
        return []


class Failing(Hanging):
    name = "failing"

    def look(self, needs: Needs) -> str:
        raise ZeroDivisionError("nothing is here")


class Seeing(Hanging):
    name = "seeing"

    def look(self, needs: Needs) -> str:
        return "seen"


def test_each_check_answers_for_itself() -> None:
    hanging = Hanging()
    seen = look_all([hanging, Failing(), Seeing()], Needs((), ()), limit_s=0.5)
    hanging.let_go.set()
    assert seen["seeing"] == "seen"
    assert isinstance(seen["hanging"], TimeoutError) and "within 0.5 s" in str(seen["hanging"])
    assert str(seen["failing"]) == "ZeroDivisionError: nothing is here"
