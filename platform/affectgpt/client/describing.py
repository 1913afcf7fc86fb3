"""``describe --server`` from beginning to end: list, send, and write each row as its answer comes."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Any, Final

import pyarrow as pa

from affectgpt.client.client import KEY_VARIABLE, Client
from affectgpt.client.errors import ServiceError
from affectgpt.clips.manifest import read_manifest
from affectgpt.clips.sources import Source, list_sources
from affectgpt.clips.storage import local_path
from affectgpt.dataset.checks import BUDGET_FROM_CLIPS
from affectgpt.dataset.progress import say
from affectgpt.errors import ClipError, JobError, RequestError, StoppedError
from affectgpt.evaluation.text_language import Language
from affectgpt.inference.describing import Summary
from affectgpt.inference.predictions import check_output, description_column, predictions_schema
from affectgpt.inference.recipe import Recipe

_PATIENCE_S: Final = 600.0
_SAY_EVERY_S: Final = 5.0
_REASONS_SHOWN: Final = 10

Row = dict[str, Any]


@dataclass(frozen=True)
class ServerRequest:
    """What a user asks of ``describe --server``.

    Attributes:
        server: where the service is, for example ``http://host:8000``.
        input: a folder, glob, file or URI; or None where a manifest is given.
        manifest: a CSV, Parquet or JSON Lines file that lists the clips; or None where an input is given.
        output: the JSON Lines file to write.
        language: that of the descriptions.
        concurrency: how many clips are sent at a time.
        limit: how many sources to take at most, or None for all.
    """

    server: str
    input: str | None
    manifest: str | None
    output: str
    language: Language = "en"
    concurrency: int = 4
    limit: int | None = None

    def sources(self) -> list[Source]:
        """List what the input or the manifest holds, up to the limit."""
        found = read_manifest(self.manifest) if self.manifest is not None else list_sources(self.input or "")
        return list(islice(found, self.limit))


def describe_by_server(request: ServerRequest) -> Summary:
    """Let a service describe the clips, and write a row of ``predictions_schema`` as soon as each answer is there.

    Raises:
        RequestError: the request is wrong, there is no such service, or it does not know the key; nothing was written.
        JobError: more clips failed than ``describe`` allows; the output says why.
        StoppedError: the service cannot be reached any more; the rows so far are in the output.
    """
    began = time.monotonic()
    check_output(request.output)
    path = local_path(request.output)
    if path is None or path.suffix.lower() != ".jsonl":
        raise RequestError(
            f"output {request.output}: rows are written as they come; name a .jsonl file of this machine"
        )
    sources = request.sources()
    with Client(request.server, patience_s=_PATIENCE_S) as client:
        _say_model(client)
        tally = _Tally(len(sources))
        rows = _answered(sources, lambda source: _row(client, source, request.language), request.concurrency)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8") as file:
            try:
                for row in rows:
                    file.write(_line(row, request.language))
                    file.flush()
                    tally.add(row)
            except StoppedError as error:
                raise StoppedError(f"{error}; {request.output} has the {tally.clips} rows so far") from error
    summary = tally.summary(time.monotonic() - began)
    _check_budget(summary, request.output)
    return summary


def _say_model(client: Client) -> None:
    try:
        model = client.model()
    except ServiceError as error:
        if error.status == 401:
            raise RequestError(f"server {client.url}: {error.message}; put the key into {KEY_VARIABLE}") from error
        raise RequestError(f"server {client.url}: {error.message}") from error
    say(f"the model {model.name} ({model.fingerprint[:12]}) at {client.url}")


def _answered(sources: Sequence[Source], ask: Callable[[Source], Row], concurrency: int) -> Iterator[Row]:
    """Ask for all sources, some at a time, and yield the rows as they come."""
    waiting: SimpleQueue[Source] = SimpleQueue()
    done: SimpleQueue[Row | Exception] = SimpleQueue()
    stopped = Event()
    for source in sources:
        waiting.put(source)

    def work() -> None:
        while not stopped.is_set():
            try:
                done.put(ask(waiting.get_nowait()))
            except Empty:
                return
            except Exception as error:
                done.put(error)
                return

    # Daemons, so that whoever stops the command need not wait for answers that are on their way.
    for _ in range(min(concurrency, len(sources))):
        Thread(target=work, daemon=True).start()
    try:
        for _ in sources:
            outcome = done.get()
            if isinstance(outcome, Exception):
                raise outcome
            yield outcome
    finally:
        stopped.set()


def _row(client: Client, source: Source, language: Language) -> Row:
    row: Row = {
        "clip_id": source.source_id,
        "uri": source.uri,
        "start_s": source.start_s,
        "end_s": source.end_s,
        "subtitle": source.subtitle,
        "labels": [],
    }
    try:
        if source.problem is not None:
            raise source.problem
        if source.start_s is not None or source.end_s is not None:
            raise ClipError("span-not-sent", f"{source.uri} is sent whole, not by start_s and end_s; cut it before")
        answer = client.describe(source.uri, subtitle=source.subtitle, language=language)
    except ClipError as error:
        return {**row, "error": error.reason, "message": error.message}
    except ServiceError as error:
        if error.status == 401 or (error.status is None and not client.is_alive()):
            raise StoppedError(f"the service answers no more: {error.message}") from error
        return {**row, "error": error.reason, "message": error.message}
    return {
        **row,
        "has_video": answer.clip.seen,
        "has_audio": answer.clip.heard,
        "subtitle": answer.clip.subtitle,
        description_column(language): answer.description,
        "labels": [label.label for label in answer.labels],
    }


def _line(row: Row, language: Language) -> str:
    (whole,) = pa.Table.from_pylist([row], predictions_schema(language)).to_pylist()
    return json.dumps(whole, ensure_ascii=False) + "\n"


@dataclass
class _Tally:
    """Counts rows as they come, and says now and then how far it is."""

    total: int
    clips: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    messages: dict[str, str] = field(default_factory=dict)
    labels: Counter[str] = field(default_factory=Counter)
    began: float = field(default_factory=time.monotonic)
    said: float = field(default_factory=time.monotonic)

    def add(self, row: Row) -> None:
        self.clips += 1
        self.labels.update(set(row["labels"]))
        if "error" in row:
            self.reasons[row["error"]] += 1
            self.messages.setdefault(row["error"], f"{row['clip_id']}: {row['message']}")
        now = time.monotonic()
        if now - self.said >= _SAY_EVERY_S or self.clips == self.total:
            self.said = now
            say(f"described: {self.clips} of {self.total} clips, {self.clips / (now - self.began):.1f}/s")

    def summary(self, wall_s: float) -> Summary:
        reasons = [(name, count, self.messages[name]) for name, count in self.reasons.most_common(_REASONS_SHOWN)]
        return Summary(self.clips, self.reasons.total(), reasons, self.labels.most_common(), wall_s)


def _check_budget(summary: Summary, output: str) -> None:
    budget = Recipe().failed_budget
    too_many = summary.clips >= BUDGET_FROM_CLIPS and summary.failed > budget * summary.clips
    if too_many or summary.failed == summary.clips:
        lines = "".join(f"\n  {count} x {reason}, for example: {said}" for reason, count, said in summary.reasons)
        raise JobError(
            f"{summary.failed} of {summary.clips} clips could not be described:{lines}\n{output} has them all"
        )
