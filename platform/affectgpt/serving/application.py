"""The Ray Serve application: what ``serve run affectgpt.serving.application:build model=...`` starts."""

from typing import Any, Final

import click
from ray import serve
from ray.serve import Application
from ray.serve.config import AutoscalingConfig, BackpressureConfig
from ray.serve.schema import LoggingConfig

from affectgpt.errors import RequestError
from affectgpt.serving.describer import Describer
from affectgpt.serving.ingress import Ingress
from affectgpt.serving.settings import ReplicasSection, Settings, read_settings

BATCHES_HELD: Final = 4
"""How many batches of requests a model worker holds at most: the one that runs, and what the next ones are made of.

What is beyond that waits with the ingress, which asks for room at growing intervals of up to a second, so that with
fewer a batch is often not full. Measured with 32 clients, batches of 8 and 256 tokens a clip: 8.8 and 10.7 clips/s
where it holds two, 12.8 where it holds four.
"""
QUEUED: Final = 10
"""How many times what an ingress worker holds may wait before it; it answers at once whom it has no room for.

Of a burst beyond that, Ray's proxy refuses the rest, with 429 and Retry-After too, but in its own words.
"""
_LOADING_TRIES: Final = 3
_SHUTDOWN_S: Final = 60.0
_LOGGING: Final = LoggingConfig(encoding="JSON", enable_access_log=False)


class _WrongArgumentsError(RequestError, click.ClickException):
    """A wrong argument of ``serve run``, which shows errors of click in a line and all others as traces."""

    exit_code = 2


def build(arguments: dict[str, Any]) -> Application:
    """Build the application.

    Args:
        arguments: see ``settings.read_settings``.

    Raises:
        RequestError: the model is not there, or a setting is wrong.
    """
    try:
        settings = read_settings(arguments)
    except RequestError as error:
        raise _WrongArgumentsError(str(error)) from None
    return application(settings)


def application(settings: Settings) -> Application:
    """Build the application from settings that are checked."""
    workers, ingress = settings.recipe.model_workers, settings.recipe.ingress_workers
    held = BATCHES_HELD * workers.batch_size
    describer = serve.deployment(
        Describer,
        name="Describer",
        ray_actor_options={"num_cpus": workers.num_cpus, "num_gpus": workers.num_gpus},
        autoscaling_config=_autoscaling(workers.replicas, workers.batch_size),
        max_surge_percent=workers.replicas.surge_percent,
        max_ongoing_requests=held,
        max_constructor_retry_count=_LOADING_TRIES,
        graceful_shutdown_timeout_s=_SHUTDOWN_S,
        logging_config=_LOGGING,
    )
    # The page, health and errors need room beside the requests that are worked on.
    ongoing = 2 * settings.recipe.limits.requests + 16
    front = serve.deployment(
        serve.ingress()(Ingress),
        name="Ingress",
        ray_actor_options={"num_cpus": ingress.num_cpus},
        autoscaling_config=_autoscaling(ingress.replicas, settings.recipe.limits.requests / 2),
        max_surge_percent=ingress.replicas.surge_percent,
        max_ongoing_requests=ongoing,
        max_queued_requests=QUEUED * ongoing,
        backpressure_config=BackpressureConfig(status_code=429, retry_after_s=1.0),
        graceful_shutdown_timeout_s=_SHUTDOWN_S,
        logging_config=_LOGGING,
    )
    return front.bind(settings, describer.bind(settings))


def _autoscaling(replicas: ReplicasSection, target: float) -> AutoscalingConfig:
    return AutoscalingConfig(
        min_replicas=replicas.least, max_replicas=replicas.most, target_ongoing_requests=max(1.0, target)
    )
