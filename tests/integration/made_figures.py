"""Joins a cluster and measures what a training worker and a service would, until it is ended.

usage: python -m tests.integration.made_figures FOLDER
"""

import itertools
import sys
import time
from pathlib import Path

import ray

from affectgpt.dataset.ledger import Folder
from affectgpt.serving.metrics import IngressMetrics, ModelMetrics
from affectgpt.training.metrics import MetricsLog, TrainRow, ValidationRow


def main(folder: Path) -> None:
    ray.init(include_dashboard=False, logging_level="warning")
    model, ingress = ModelMetrics(), IngressMetrics()
    with MetricsLog(Folder.at(str(folder)), "coarse") as log:
        for step in itertools.count(1):
            log.write(TrainRow("coarse", step, 0.1, step * 8, 2.5, 1e-3, 0.5, 80.0, 800.0, step * 0.1))
            log.write(ValidationRow("coarse", step, 4, 2.75, None))
            ingress.held(3)
            ingress.step("decode", 0.02)
            ingress.request("/v1/describe", 200, 0.2)
            model.batch(4, 0.1)
            model.tokens(50, 5)
            time.sleep(0.2)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
