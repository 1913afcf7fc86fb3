"""The claim on an output, so that of several runs on it one alone writes.

Claims are numbered files below ``<output>/.claims``; the highest holds. A claim is made by creating the next number on
the condition that there is none. Its holder renews it every ``RENEW_S`` seconds. Who finds a claim of a process that is
known to be gone, or that is not renewed within ``LEASE_S`` seconds of watching, makes the next one. No clocks are
compared. A holder that was taken for dead finds a higher number and stops.
"""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

import pyarrow.fs as pafs

from affectgpt.clips.creation import create_new
from affectgpt.clips.storage import join_uri, translated_errors
from affectgpt.dataset.holder import Holder
from affectgpt.dataset.ledger import CLAIMS, Folder
from affectgpt.dataset.progress import say
from affectgpt.errors import ClipError, RequestError, StoppedError

RENEW_S: Final = 5.0
LEASE_S: Final = 60.0
_LOOK_S: Final = 1.0
_CLAIM: Final = ".json"
_BEAT: Final = ".beat"


class Claim:
    """A claim on an output.

    Attributes:
        number: the higher one holds.
        holder: who made it.
    """

    def __init__(self, uri: str, output: Folder, number: int, holder: Holder) -> None:
        """Name a claim; ``claimed`` makes one."""
        self.number = number
        self.holder = holder
        self._uri = uri
        self._folder = output / CLAIMS

    def check(self) -> None:
        """See that this is the claim that holds; to be called before what cannot be undone.

        Raises:
            StoppedError: another run has taken the output over, or the output cannot be reached.
        """
        try:
            taken_over = self.taken_over()
        except ClipError as error:
            raise StoppedError(f"output: {error.message}; what is finished is kept") from error
        if taken_over is not None:
            raise StoppedError(taken_over)

    def taken_over(self) -> str | None:
        """Say who has taken the output over, or None where this claim holds.

        Raises:
            ClipError: the output cannot be reached.
        """
        with _told(self._uri):
            highest = _highest(self._folder)
        if highest is not None and highest[1] == self.holder:
            return None
        other = f" ({highest[1]})" if highest is not None else ""
        return (
            f"output {self._uri}: another run{other} has taken it over, since this one was not heard of for "
            f"{LEASE_S:.0f} s; it continues from what is finished"
        )

    def renew(self, beats: int) -> None:
        """Show that the holder lives."""
        self._folder.write_text(f"{self.number:09d}{_BEAT}", str(beats))

    def release(self) -> None:
        """Give the output back."""
        self._folder.delete(f"{self.number:09d}{_BEAT}")
        self._folder.delete(f"{self.number:09d}{_CLAIM}")
        self._folder.remove_if_empty()


@contextmanager
def claimed(uri: str, output: Folder) -> Iterator[Claim | None]:
    """Hold an output; None where its store cannot keep runs apart, which is said.

    Args:
        uri: folder or URI of the output.
        output: the same, opened.

    Raises:
        RequestError: another run holds it.
    """
    try:
        with _told(uri):
            was_there = output.filesystem.get_file_info(output.path).type != pafs.FileType.NotFound
            claim = _make(uri, output)
    except ClipError as error:
        if error.reason != "unsupported-uri":
            raise RequestError(f"output: {error.message}") from error
        say(f"note: {uri}: this store cannot keep runs apart; see that no other run writes there")
        yield None
        return
    ended = threading.Event()
    renewing = threading.Thread(target=_keep, args=(claim, ended), daemon=True)
    renewing.start()
    try:
        yield claim
    finally:
        ended.set()
        renewing.join()
        try:
            with _told(uri):
                claim.release()
                if not was_there:
                    output.remove_if_empty()
        except ClipError as error:
            say(f"note: the claim on the output could not be given back: {error.message}; the next run waits for it")


@contextmanager
def _told(uri: str) -> Iterator[None]:
    with translated_errors(uri, writing=True):
        yield


def _make(uri: str, output: Folder) -> Claim:
    folder = output / CLAIMS
    while True:
        highest = _highest(folder)
        if highest is not None:
            _await_end(uri, folder, *highest)
        claim = Claim(uri, output, 1 if highest is None else highest[0] + 1, Holder.this_process())
        name = f"{claim.number:09d}{_CLAIM}"
        if not create_new(join_uri(uri, f"{CLAIMS}/{name}"), claim.holder.to_json().encode("utf-8")):
            continue
        # Lower numbers are deleted, so that one who was slow may create a number that others have left behind.
        if _highest(folder) == (claim.number, claim.holder):
            _delete_below(folder, claim.number)
            return claim
        folder.delete(name)


def _await_end(uri: str, folder: Folder, number: int, holder: Holder) -> None:
    """Return as soon as a claim holds no more.

    Raises:
        RequestError: its holder lives.
    """
    if holder.is_here:
        # One that was killed a moment ago may take a moment to go.
        lives = not _is_over(folder, number, holder)
        if lives:
            time.sleep(_LOOK_S)
            lives = not _is_over(folder, number, holder)
    else:
        say(f"{uri} is held by {holder}; seeing whether it still lives, for {LEASE_S:.0f} s at most")
        lives = _shows_life(folder, number, holder)
    if lives:
        raise RequestError(
            f"output {uri}: another run holds it ({holder}); wait for its end, stop it, or name another output"
        )


def _is_over(folder: Folder, number: int, holder: Holder) -> bool:
    return holder.is_gone or _highest(folder) != (number, holder)


def _shows_life(folder: Folder, number: int, holder: Holder) -> bool:
    """Watch a claim until it is renewed or given back, or the lease has run out."""
    beat, until = _beat(folder, number), time.monotonic() + LEASE_S
    while time.monotonic() < until and not _is_over(folder, number, holder):
        time.sleep(_LOOK_S)
        if _beat(folder, number) != beat:
            return True
    return False


def _keep(claim: Claim, ended: threading.Event) -> None:
    """Renew a claim until it is given back; where it was taken over, the process is asked to stop."""
    beats = 0
    while not ended.wait(RENEW_S):
        try:
            taken_over = claim.taken_over()
            if taken_over is None:
                beats += 1
                claim.renew(beats)
        except (OSError, ClipError) as error:
            # A store that is not reached for a while may be reached again before anybody takes the output over.
            say(f"note: the claim on the output could not be renewed: {error}")
            continue
        if taken_over is not None:
            say(taken_over)
            os.kill(os.getpid(), signal.SIGTERM)
            return


def _highest(folder: Folder) -> tuple[int, Holder] | None:
    """Return the claim that holds, and its number; None where there is none."""
    for info in reversed(folder.files(_CLAIM)):
        # It may be given back between the two looks.
        with suppress(FileNotFoundError):
            return int(info.base_name.removesuffix(_CLAIM)), Holder.from_json(folder.read_text(info.base_name))
    return None


def _beat(folder: Folder, number: int) -> str | None:
    try:
        return folder.read_text(f"{number:09d}{_BEAT}")
    except FileNotFoundError:
        return None


def _delete_below(folder: Folder, number: int) -> None:
    for info in folder.files():
        name = info.base_name.partition(".")[0]
        if name.isdecimal() and int(name) < number:
            folder.delete(info.base_name)
