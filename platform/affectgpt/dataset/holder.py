"""Who holds an output: a process, as others can name it, and tell whether it is gone."""

import getpass
import json
import os
import secrets
import socket
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

_ZOMBIE = "Z"


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that holds an output.

    Attributes:
        host: name of its machine.
        user: who runs it.
        process: its number there.
        since: when it took the output, in UTC.
        machine: what no other machine, boot or container shares, so that numbers of processes mean the same.
        started: when the process started, in ticks since the boot: numbers are given again.
        token: by chance; no two holders have the same.
    """

    host: str
    user: str
    process: int
    since: str
    machine: str
    started: str
    token: str

    @staticmethod
    def this_process() -> "Holder":
        """Describe this process, anew each time."""
        process = os.getpid()
        return Holder(
            host=socket.gethostname(),
            user=_user(),
            process=process,
            since=f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC",
            machine=_machine(),
            started=_started(process) or "",
            token=secrets.token_hex(8),
        )

    @staticmethod
    def from_json(text: str) -> "Holder":
        """Read what ``to_json`` wrote."""
        return Holder(**json.loads(text))

    def to_json(self) -> str:
        """Write it down."""
        return json.dumps(asdict(self))

    def __str__(self) -> str:
        return f"process {self.process} of {self.user} on {self.host}, since {self.since}"

    @property
    def is_here(self) -> bool:
        """Whether it is, or was, a process of this machine, of which this process can tell whether it lives."""
        return self.machine == _machine()

    @property
    def is_gone(self) -> bool:
        """Whether it is known to have ended; of a process elsewhere that cannot be known."""
        return self.is_here and _started(self.process) != self.started


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number without a name
        return str(os.getuid())


def _machine() -> str:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"


def _started(process: int) -> str | None:
    """When a process started, or None where it has ended."""
    try:
        told = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is the program's name in parentheses, which may hold blanks.
    fields = told.rpartition(")")[2].split()
    return None if fields[0] == _ZOMBIE else fields[19]
