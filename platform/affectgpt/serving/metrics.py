"""What Prometheus learns of the service; Ray collects it from every process and exports it on each node."""

from typing import Final

from ray.serve.metrics import Counter, Gauge, Histogram

_SECONDS: Final = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0]
_CLIPS: Final = [1, 2, 4, 8, 16, 32, 64, 128]


class ModelMetrics:
    """What a model worker measures."""

    def __init__(self) -> None:
        self._batch = Histogram("affectgpt_batch_clips", "Clips of the batch in which a clip was described.", _CLIPS)
        self._batch_s = Histogram(
            "affectgpt_batch_seconds", "Time of the batch in which a clip was described.", _SECONDS
        )
        self._tokens = Counter("affectgpt_tokens", "Tokens read and written.", tag_keys=("kind",))

    def batch(self, clips: int, seconds: float) -> None:
        """Take note of the batch that a clip was in."""
        self._batch.observe(clips)
        self._batch_s.observe(seconds)

    def tokens(self, prompt: int, new: int) -> None:
        """Take note of what was read and written for one clip."""
        self._tokens.inc(prompt, {"kind": "prompt"})
        self._tokens.inc(new, {"kind": "new"})


class IngressMetrics:
    """What an ingress measures."""

    def __init__(self) -> None:
        self._requests = Counter("affectgpt_requests", "Requests by route and status.", tag_keys=("route", "status"))
        self._seconds = Histogram("affectgpt_step_seconds", "Time of each step of a request.", _SECONDS, ("step",))
        self._held = Gauge("affectgpt_requests_held", "Requests that are waiting or being worked on.")

    def request(self, route: str, status: int, seconds: float) -> None:
        """Take note of a request that has ended."""
        self._requests.inc(1, {"route": route, "status": str(status)})
        self._seconds.observe(seconds, {"step": "request"})

    def step(self, name: str, seconds: float) -> None:
        """Take note of one step of a request."""
        self._seconds.observe(seconds, {"step": name})

    def held(self, requests: int) -> None:
        """Take note of how many requests are there now."""
        self._held.set(requests)
