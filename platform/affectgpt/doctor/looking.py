"""What runs on a node: all checks look at once, and one that hangs keeps no other from answering."""

import threading
import time
from collections.abc import Sequence
from typing import Any

from affectgpt.doctor.check import Check
from affectgpt.doctor.needs import Needs

Seen = dict[str, Any]
"""What each check saw, by its name, or the exception that kept it from that."""


def look_all(checks: Sequence[Check[Any]], needs: Needs, limit_s: float) -> Seen:
    """Let checks look, each in a thread of its own.

    Args:
        checks: to do.
        needs: of the job.
        limit_s: how long they may take.
    """
    seen: Seen = {}

    def look(check: Check[Any]) -> None:
        try:
            seen[check.name] = check.look(needs)
        except Exception as error:
            # Whatever it is, it is told as the node's finding.
            seen[check.name] = RuntimeError(f"{type(error).__name__}: {error}")

    # A mount that hangs keeps its thread for ever, and must not keep the process.
    threads = [threading.Thread(target=look, args=(check,), daemon=True) for check in checks]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + limit_s
    for thread in threads:
        thread.join(max(deadline - time.monotonic(), 0.0))
    answers = dict(seen)
    return {check.name: answers.get(check.name, TimeoutError(f"no answer within {limit_s:g} s")) for check in checks}
