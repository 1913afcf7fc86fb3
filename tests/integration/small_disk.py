"""A disk with little room, mounted for a test."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(room_bytes: int) -> Iterator[Path]:
    """Mount a disk in memory; skips the test where that is not allowed."""
    # Its name is short: sockets of Ray may lie below it, whose names may have 107 characters.
    with tempfile.TemporaryDirectory(prefix="disk-") as folder:
        options = ["-t", "tmpfs", "-o", f"size={room_bytes}", "tmpfs", folder]
        mounted = subprocess.run(["mount", *options], capture_output=True, text=True, check=False)
        if mounted.returncode:
            pytest.skip(f"no small disk can be mounted here: {mounted.stderr.strip()}")
        yield Path(folder)
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(disk: Path, leave_bytes: int = 0) -> Path:
    """Take up the room of a disk, but for some bytes; gives the file that takes it."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(b"\0" * 4096):
                pass
        except OSError:
            file.truncate(max(0, file.tell() - leave_bytes))
    return filler
