"""What Prometheus learns of a stage while it trains; Ray collects it from the worker and exports it on its node."""

import math

from ray.util.metrics import Gauge

from affectgpt.training.metrics import MetricsRow, TrainRow


class StageGauges:
    """The latest figures of one stage.

    Args:
        run: the folder of the run, with which the figures are tagged.
        stage: the stage's name.
        step: the step that this worker goes on from; ``seconds`` of its rows counts from there.
    """

    def __init__(self, run: str, stage: str, step: int) -> None:
        self._tags = {"run": run, "stage": stage}
        self._step, self._seconds = step, 0.0
        self._loss = _gauge("loss", "Mean loss of an answer's token.")
        self._validation_loss = _gauge("validation_loss", "The same on the held-out clips.")
        self._learning_rate = _gauge("learning_rate", "Learning rate of the step.")
        self._steps = _gauge("steps", "Steps taken in the stage.")
        self._step_s = _gauge("step_seconds", "Time that a step takes.")
        self._samples_per_s = _gauge("samples_per_second", "Samples learnt from per second, over all workers.")

    def show(self, row: MetricsRow) -> None:
        """Take note of a row; figures that are not finite are left out."""
        if not isinstance(row, TrainRow):
            self._set(self._validation_loss, row.loss)
            return
        self._set(self._loss, row.loss)
        self._set(self._learning_rate, row.learning_rate)
        self._set(self._steps, float(row.step))
        self._set(self._step_s, (row.seconds - self._seconds) / max(row.step - self._step, 1))
        self._set(self._samples_per_s, row.samples_per_s)
        self._step, self._seconds = row.step, row.seconds

    def _set(self, gauge: Gauge, value: float | None) -> None:
        if value is not None and math.isfinite(value):
            gauge.set(value, self._tags)


def _gauge(name: str, description: str) -> Gauge:
    return Gauge(f"affectgpt_training_{name}", description, ("run", "stage"))
