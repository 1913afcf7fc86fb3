"""The figures of a run while it trains: ``metrics.jsonl``, TensorBoard's event files, and gauges for Prometheus.

On a local disk each row is appended and flushed at once. Object stores cannot append: there the file is written whole
with each ``flush``, which belongs beside each checkpoint, since a run that was killed goes back to one anyway.
"""

import json
import math
import shutil
import tempfile
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Final, TypeAlias

from pyarrow.fs import LocalFileSystem

from affectgpt.dataset.ledger import Folder
from affectgpt.errors import JobError

METRICS_FILE: Final = "metrics.jsonl"
TENSORBOARD_FOLDER: Final = "tensorboard"
_START: Final = "start"
_NOT_FINITE: Final = "not_finite"


@dataclass(frozen=True, slots=True)
class TrainRow:
    """What training came to at one step of a stage.

    Attributes:
        stage: the stage's name.
        step: optimizer steps taken in this stage.
        epoch: passes over the stage's samples so far.
        samples: samples learnt from so far in this stage.
        loss: mean loss of an answer's token since the row before; None where it was not finite.
        learning_rate: that of this step.
        gradient_norm: norm of the gradient before clipping, or None where it is not known or was not finite.
        samples_per_s: samples per second over all workers since the row before.
        tokens_per_s: tokens per second, prompts and answers, over all workers since the row before.
        seconds: time spent training this stage so far.
        not_finite: whether a figure of the row was infinite or not a number.
    """

    kind: ClassVar[str] = "train"

    stage: str
    step: int
    epoch: float
    samples: int
    loss: float | None
    learning_rate: float
    gradient_norm: float | None
    samples_per_s: float | None
    tokens_per_s: float | None
    seconds: float
    not_finite: bool = False


@dataclass(frozen=True, slots=True)
class ValidationRow:
    """What the model came to on the held-out clips after one step of a stage; step 0 is before its training.

    Attributes:
        stage: the stage's name.
        step: optimizer steps taken in this stage.
        samples: validation samples.
        loss: mean loss of an answer's token; None where it was not finite.
        per_token_accuracy: share in [0, 1] of the answers' tokens that the model holds for the most probable, or None.
        not_finite: whether a figure of the row was infinite or not a number.
    """

    kind: ClassVar[str] = "validation"

    stage: str
    step: int
    samples: int
    loss: float | None
    per_token_accuracy: float | None
    not_finite: bool = False


MetricsRow: TypeAlias = TrainRow | ValidationRow
_ROW_TYPES: Final[Mapping[str, type[MetricsRow]]] = {TrainRow.kind: TrainRow, ValidationRow.kind: ValidationRow}


class MetricsLog:
    """Writes the rows of one stage; one writer at a time.

    Args:
        output: the folder of the run, on any file system.
        stage: the stage's name.
        step: the step that the stage goes on from: that of the checkpoint, or 0 at its beginning. Rows that an earlier
            attempt wrote of later steps no longer count.

    Raises:
        OSError: the folder cannot be read or written.
    """

    def __init__(self, output: Folder, stage: str, step: int = 0) -> None:
        # 1.3 s, most of it torch, which only the training workers need.
        from tensorboardX import SummaryWriter

        from affectgpt.training.gauges import StageGauges

        self._output = output
        self._stage = stage
        self._is_local = isinstance(output.filesystem, LocalFileSystem)
        earlier = _whole_lines(output)
        if self._is_local:
            output.write_text(METRICS_FILE, earlier)
            self._stream = (Path(output.path) / METRICS_FILE).open("a", encoding="utf-8")
            self._events = Path(output.path) / TENSORBOARD_FOLDER / stage
        else:
            self._lines = [earlier]
            self._events = Path(tempfile.mkdtemp(prefix="tensorboard-"))
        # Its own name of an event file is only unique within a second.
        self._writer = SummaryWriter(str(self._events), purge_step=step + 1, filename_suffix=f".{uuid.uuid4().hex[:8]}")
        self._gauges = StageGauges(output.path, stage, step)
        self._append({"kind": _START, "stage": stage, "step": step})

    def write(self, row: MetricsRow) -> None:
        """Add a row, with null in place of figures that are not finite.

        Raises:
            ValueError: it is of another stage.
            OSError: it cannot be written.
        """
        if row.stage != self._stage:
            raise ValueError(f"a row of stage {row.stage!r} in the metrics of stage {self._stage!r}")
        given = asdict(row)
        kept = {name: value for name, value in given.items() if name != _NOT_FINITE}
        finite = {name: value if _is_finite(value) else None for name, value in kept.items()}
        mark = {_NOT_FINITE: True} if row.not_finite or finite != kept else {}
        self._append({"kind": row.kind, **finite, **mark})
        self._gauges.show(row)
        for name, value in finite.items():
            if isinstance(value, int | float) and name != "step":
                self._writer.add_scalar(f"{row.kind}/{name}", value, row.step)

    def flush(self) -> None:
        """See that all rows are where they belong; on an object store this writes the whole file anew.

        Raises:
            OSError: it cannot be written.
        """
        self._writer.flush()
        if not self._is_local:
            self._upload()

    def close(self) -> None:
        """Flush, and end the log.

        Raises:
            OSError: it cannot be written.
        """
        self._writer.close()
        if self._is_local:
            self._stream.close()
        else:
            self._upload()
            shutil.rmtree(self._events)

    def __enter__(self) -> "MetricsLog":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _append(self, row: Mapping[str, Any]) -> None:
        line = json.dumps(row, allow_nan=False) + "\n"
        if self._is_local:
            self._stream.write(line)
            self._stream.flush()
        else:
            self._lines.append(line)

    def _upload(self) -> None:
        self._output.write_text(METRICS_FILE, "".join(self._lines))
        folder = self._output / TENSORBOARD_FOLDER / self._stage
        for file in self._events.iterdir():
            folder.write_bytes(file.name, file.read_bytes())


def read_metrics(output: Folder) -> list[MetricsRow]:
    """Read the rows that count: one for each kind, stage and step, the newest; stages in the order they began, by step.

    Returns:
        The rows; none where nothing was written yet.

    Raises:
        JobError: a line is damaged.
        OSError: the file cannot be read.
    """
    rows: dict[tuple[str, int, str], MetricsRow] = {}
    stages: dict[str, int] = {}
    for number, line in enumerate(_whole_lines(output).splitlines(), start=1):
        row = _parse(line, f"{output.path}/{METRICS_FILE}, line {number}")
        stages.setdefault(row.stage, len(stages))
        if isinstance(row, _Start):
            rows = {key: one for key, one in rows.items() if one.stage != row.stage or one.step <= row.step}
        else:
            rows[row.stage, row.step, row.kind] = row
    return sorted(rows.values(), key=lambda row: (stages[row.stage], row.step, row.kind))


@dataclass(frozen=True, slots=True)
class _Start:
    """From here on a stage goes on after ``step``."""

    stage: str
    step: int


def _parse(line: str, place: str) -> MetricsRow | _Start:
    try:
        content = json.loads(line)
        kind = content.pop("kind")
        return (_Start if kind == _START else _ROW_TYPES[kind])(**content)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        known = "; ".join(f"{kind}: {', '.join(field.name for field in fields(of))}" for kind, of in _ROW_TYPES.items())
        raise JobError(
            f"{place} is damaged ({error}); a row has one of the kinds {known}; take the line out, or train into a new "
            "output"
        ) from error


def _whole_lines(output: Folder) -> str:
    """Read what was written, up to the last line's end: a writer that was killed may have left half a line."""
    if not output.exists(METRICS_FILE):
        return ""
    written = output.read_text(METRICS_FILE)
    return written[: written.rfind("\n") + 1]


def _is_finite(value: object) -> bool:
    return not isinstance(value, float) or math.isfinite(value)
