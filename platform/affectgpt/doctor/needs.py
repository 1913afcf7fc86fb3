"""What a job will need of a cluster, as its recipe says."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

JobName = Literal["build-dataset", "train", "serve"]


@dataclass(frozen=True)
class Phase:
    """Processes that a job holds at once.

    Attributes:
        what: they do.
        bundles: what each of them reserves, as Ray counts it.
        remedy: what to do where they do not fit.
    """

    what: str
    bundles: tuple[Mapping[str, float], ...]
    remedy: str


@dataclass(frozen=True)
class Weights:
    """A model that nodes load.

    Attributes:
        source: a name on the Hugging Face hub, a folder, or the URI of one.
        revision: branch, tag or commit on the hub.
    """

    source: str
    revision: str | None = None


@dataclass(frozen=True)
class Needs:
    """What a job will need.

    Attributes:
        extras: of the platform's distribution, each as alternatives of which a node needs one.
        phases: of the job, one after the other.
        weights: that its processes load.
        endpoints: URLs of models that it asks.
        inputs: paths and URIs that it reads.
        output: folder or URI that it writes.
    """

    extras: tuple[tuple[str, ...], ...]
    phases: tuple[Phase, ...]
    weights: tuple[Weights, ...] = ()
    endpoints: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    output: str | None = None

    @property
    def gpus(self) -> float:
        """The most GPUs that a phase reserves."""
        return max((sum(bundle.get("GPU", 0.0) for bundle in phase.bundles) for phase in self.phases), default=0.0)
