"""Replies of a language model, kept in a file, so that nothing is asked twice."""

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from affectgpt.annotate.language_model.engine import Arrived, TextEngine, TextReply, TextRequest, is_complete
from affectgpt.errors import JobError, RequestError

Progress = Callable[[int, int], None]

# Changes when the meaning of a request or of a reply changes, so that older replies are no longer found.
FORMAT = 1
LOCK_WAIT_S = 60.0

_TABLE = """
CREATE TABLE IF NOT EXISTS replies (
    key TEXT PRIMARY KEY,
    text TEXT NOT NULL,
    finish_reason TEXT NOT NULL,
    prompt_tokens INTEGER,
    completion_tokens INTEGER
) WITHOUT ROWID
"""
_INSERT = "INSERT OR IGNORE INTO replies VALUES (?, ?, ?, ?, ?)"
_SELECT = "SELECT text, finish_reason, prompt_tokens, completion_tokens FROM replies WHERE key = ?"
_CANNOT_OPEN = {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM}
_CANNOT_GO_ON = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}


class CachedEngine:
    """A text engine that asks another one only what its file of replies does not know.

    Each reply is in the file as soon as it arrives, so that a run that was stopped or failed goes on where it was.
    Replies that were cut off, declined or do not keep to the schema that was given are handed on but not kept. Several
    processes may share the file. It is never trimmed; deleting it costs nothing but the replies.
    """

    def __init__(self, engine: TextEngine, file: str | Path, progress: Progress | None = None) -> None:
        """Make the engine; the file is opened, and made where it is missing, when something is asked.

        Args:
            engine: answers what is not in the file.
            file: an SQLite file on a local disk.
            progress: called with the number of requests answered and of all requests of a call of ``generate``: first
                with those that the file answers, then at each reply.
        """
        self._engine = engine
        self._file = Path(file)
        self._progress = progress

    @property
    def identity(self) -> Mapping[str, str]:
        """The identity of the engine that answers what is not in the file."""
        return self._engine.identity

    def generate(self, requests: Sequence[TextRequest], arrived: Arrived | None = None) -> list[TextReply]:
        """Answer requests, in their order; equal ones are asked once.

        Args:
            requests: what is asked.
            arrived: called with the index of each request and its reply, at once for replies that are in the file.

        Raises:
            RequestError: the file is damaged or cannot be opened, or the engine cannot be used as it was asked for.
            JobError: the engine failed on the way, or the file could not be written.
        """
        places: dict[str, list[int]] = {}
        for index, request in enumerate(requests):
            places.setdefault(request_key(self.identity, request), []).append(index)
        with _opened(self._file) as replies:
            known = {key: reply for key in places if (reply := _find(replies, key)) is not None}
            answered = [reply for key, reply in known.items() for _ in places[key]]
            for key, reply in known.items():
                _hand_over(reply, places[key], arrived)
            done = len(answered)
            self._report(done, len(requests))
            asked = [key for key in places if key not in known]

            def keep(position: int, reply: TextReply) -> None:
                nonlocal done
                key = asked[position]
                if is_complete(requests[places[key][0]], reply):
                    reply = _keep(replies, key, reply)
                known[key] = reply
                _hand_over(reply, places[key], arrived)
                done += len(places[key])
                self._report(done, len(requests))

            if asked:
                self._engine.generate([requests[places[key][0]] for key in asked], keep)
        by_index = {index: known[key] for key, indices in places.items() for index in indices}
        return [by_index[index] for index in range(len(requests))]

    def _report(self, done: int, total: int) -> None:
        if self._progress is not None:
            self._progress(done, total)


def request_key(identity: Mapping[str, str], request: TextRequest) -> str:
    """Return the SHA-256, in hexadecimal, of all that decides a reply: the engine's identity and the request."""
    facts = {"format": FORMAT, "engine": dict(identity), "request": _facts(request)}
    return hashlib.sha256(json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _facts(request: TextRequest) -> dict[str, object]:
    facts: dict[str, object] = {
        "system": request.system,
        "user": request.user,
        "schema": request.schema,
        "max_tokens": request.max_tokens,
    }
    # What a request lacks is no part of its key, so that replies are found from before there was such a thing.
    if request.temperature > 0:
        facts["sampling"] = [request.temperature, request.seed]
    media = [*request.frames, *(() if request.sound is None else (request.sound,))]
    if media:
        facts["media"] = [[str(one.dtype), one.shape, hashlib.sha256(one.tobytes()).hexdigest()] for one in media]
    return facts


def _hand_over(reply: TextReply, indices: Sequence[int], arrived: Arrived | None) -> None:
    if arrived is not None:
        for index in indices:
            arrived(index, reply)


@contextmanager
def _opened(file: Path) -> Iterator[sqlite3.Connection]:
    """Open a file of replies; each statement is a transaction of its own."""
    try:
        with closing(sqlite3.connect(file, timeout=LOCK_WAIT_S, isolation_level=None)) as replies:
            replies.execute(_TABLE)
            yield replies
    except sqlite3.Error as error:
        # What Python itself cannot read, such as text that is no UTF-8, comes without a code.
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
        if code in _CANNOT_OPEN:
            raise RequestError(
                f"{file}: the replies of the language model cannot be kept there ({error}); "
                "name a file in a folder that exists and can be written"
            ) from error
        if code in _CANNOT_GO_ON:
            raise JobError(
                f"{file}: the replies of the language model could not be read or written ({error}); "
                "see to the disk and to other processes that use the file, then run the same command again"
            ) from error
        raise RequestError(f"{file} is damaged or holds no replies of a language model ({error}); delete it") from error


def _find(replies: sqlite3.Connection, key: str) -> TextReply | None:
    row = replies.execute(_SELECT, (key,)).fetchone()
    return None if row is None else TextReply(*row)


def _keep(replies: sqlite3.Connection, key: str, reply: TextReply) -> TextReply:
    """Write a reply and return the one that is in the file now: where another process was first, its reply counts."""
    replies.execute(_INSERT, (key, reply.text, reply.finish_reason, reply.prompt_tokens, reply.completion_tokens))
    return _find(replies, key) or reply
