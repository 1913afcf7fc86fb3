"""Clocks: how far that of each node is from that of this machine."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from affectgpt.doctor.check import Check, Finding, Node
from affectgpt.doctor.needs import Needs

WARNING_S = 1.0
FAILED_S = 60.0
"""Object stores refuse requests that are signed minutes too early or too late: S3 after 15."""


@dataclass(frozen=True)
class Offset:
    """How far a clock is off.

    Attributes:
        seconds: by which it is ahead of this machine's; less than nothing where it is behind.
        uncertainty_s: by how much that may be wrong, since the question takes time.
    """

    seconds: float
    uncertainty_s: float

    @classmethod
    def measured(cls, sent: float, there: float, received: float) -> "Offset":
        """Compare clocks as NTP does (RFC 5905, section 8): there it was asked in the middle of the exchange.

        Args:
            sent: seconds since 1970 by the clock here, when it was asked.
            there: by the clock there.
            received: by the clock here, when the answer came.
        """
        return cls(there - (sent + received) / 2, (received - sent) / 2)


class ClocksCheck(Check[Offset]):
    """Whether the clocks of all nodes agree."""

    name = "clocks"

    def look(self, needs: Needs) -> Offset:
        """Compare this machine's clock with itself; those of other nodes are compared from here."""
        now = time.time()
        return Offset.measured(now, now, now)

    def judge(self, needs: Needs, seen: Mapping[Node, Offset]) -> list[Finding]:
        """Say which clocks are surely wrong, beyond what the measurement leaves open."""
        findings = []
        for node, offset in seen.items():
            apart = abs(offset.seconds) - offset.uncertainty_s
            way = "ahead of" if offset.seconds > 0 else "behind"
            found = f"{abs(offset.seconds):.1f} s {way} this machine (± {offset.uncertainty_s:.2f} s)"
            if apart > FAILED_S:
                remedy = "let the nodes keep time, e.g. by chrony: object stores will refuse what this one signs"
                findings.append(self.failed(node.name, found, remedy))
            elif apart > WARNING_S:
                remedy = "let the nodes keep time, e.g. by chrony: times in logs and metrics will not match"
                findings.append(self.warning(node.name, found, remedy))
        if seen and not findings:
            most = max(abs(offset.seconds) + offset.uncertainty_s for offset in seen.values())
            findings.append(self.ok(f"within {most:.2f} s of this machine"))
        return findings
