"""Lines that say how far a stage has come, while its workers train."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from affectgpt.dataset.ledger import Folder
from affectgpt.dataset.progress import EVERY_S
from affectgpt.training.metrics import TrainRow, ValidationRow, read_metrics


@contextmanager
def stage_progress(output: Folder, stage: str, steps: int, say: Callable[[str], None]) -> Iterator[None]:
    """Say every few seconds at which step a stage is, with its loss and speed, as its workers log them.

    Args:
        output: the folder of the run.
        stage: the stage's name.
        steps: how many it has.
        say: tells the person who watches.
    """
    finished = threading.Event()
    before = [row for row in read_metrics(output) if row.stage == stage]

    def watch() -> None:
        said = ""
        while not finished.wait(EVERY_S):
            line = _line(output, stage, steps, before)
            if line != said:
                say(line)
                said = line

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        finished.set()
        watcher.join()


def _line(output: Folder, stage: str, steps: int, before: Sequence[TrainRow | ValidationRow]) -> str:
    rows = [row for row in read_metrics(output) if row.stage == stage]
    last = next((row for row in reversed(rows) if isinstance(row, TrainRow) and row not in before), None)
    validated = next((row for row in reversed(rows) if isinstance(row, ValidationRow)), None)
    if last is None:
        return f"stage {stage}: the workers are starting" + (", to go on from the last checkpoint" if before else "")
    parts = [f"stage {stage}: step {last.step} of {steps}"]
    if last.loss is not None:
        parts.append(f"loss {last.loss:.3f}")
    if validated is not None and validated.loss is not None:
        parts.append(f"validation loss {validated.loss:.3f} at step {validated.step}")
    if last.samples_per_s:
        per_step = last.samples / last.step
        parts.append(f"{last.samples_per_s:.0f} samples/s")
        parts.append(f"about {(steps - last.step) * per_step / last.samples_per_s:.0f} s left")
    return ", ".join(parts)
