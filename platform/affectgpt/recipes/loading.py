"""Recipes: the settings of a job, from a YAML file and from overrides, checked before anything starts."""

import re
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from affectgpt.errors import RequestError

Recipe = TypeVar("Recipe", bound=BaseModel)


class _Loader(yaml.SafeLoader):
    """Reads ``1e-4`` as a number, as JSON and YAML 1.2 do; PyYAML's own loader takes it for text."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?(\.\d+|\d+(\.\d*)?)[eE][-+]?\d+$"), list("-+.0123456789")
)


class Section(BaseModel):
    """A part of a recipe: unknown keys and wrong types are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def load(model: type[Recipe], job: str, name_or_file: str, overrides: Sequence[str] = ()) -> Recipe:
    """Load a recipe by the name of a shipped one or from a YAML file, and apply ``a.b=c`` overrides.

    Args:
        model: the settings that the job has.
        job: the folder of its shipped recipes.
        name_or_file: the name of a shipped recipe, or a YAML file.
        overrides: settings as ``key.key=value``, the value being YAML.

    Raises:
        RequestError: the recipe does not exist, is no YAML mapping, or has unknown keys or wrong values; the message
            has the path of each key.
    """
    settings = _read(job, name_or_file)
    for override in overrides:
        _apply(settings, override)
    try:
        return model.model_validate(settings)
    except ValidationError as error:
        raise RequestError(_explain(model, name_or_file, settings, error)) from error


def _read(job: str, name_or_file: str) -> dict[str, Any]:
    file = Path(name_or_file)
    folder = resources.files(__package__) / job
    shipped = folder / f"{name_or_file}.yaml"
    if file.suffix in {".yaml", ".yml"}:
        text = _read_file(file)
    elif "/" not in name_or_file and shipped.is_file():
        text = shipped.read_text(encoding="utf-8")
    else:
        names = sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))
        raise RequestError(f"recipe {name_or_file}: name one of {', '.join(names)}, or a file that ends in .yaml")
    try:
        settings = yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        raise RequestError(f"recipe {name_or_file}: not readable as YAML: {error}") from error
    if settings is None:
        return {}
    if not isinstance(settings, dict):
        raise RequestError(f"recipe {name_or_file}: expected a mapping of settings, found {type(settings).__name__}")
    return settings


def _read_file(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        raise RequestError(f"recipe {file}: there is no such file") from None
    except IsADirectoryError:
        raise RequestError(f"recipe {file}: it is a folder; name a file in it") from None
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise RequestError(f"recipe {file}: no text in UTF-8 (byte {byte:#04x}); save it as UTF-8") from error
    except PermissionError as error:
        raise RequestError(f"recipe {file}: cannot be read: {error.strerror}; change its permissions") from error
    except (OSError, ValueError) as error:
        raise RequestError(f"recipe {file}: cannot be read: {error}; copy or name it again") from error


def _apply(settings: dict[str, Any], override: str) -> None:
    path, separator, text = override.partition("=")
    keys = path.strip().split(".")
    if not separator or not all(keys):
        raise RequestError(f"--set {override}: expected key.key=value, for example --set a.b=16")
    try:
        value = yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        raise RequestError(f"--set {override}: the value is not readable as YAML: {error}") from error
    section = settings
    for key in keys[:-1]:
        section = section.setdefault(key, {})
        if not isinstance(section, dict):
            raise RequestError(f"--set {override}: {key} is a value, not a section")
    section[keys[-1]] = value


def _explain(model: type[BaseModel], name_or_file: str, settings: Any, error: ValidationError) -> str:
    lines = [f"recipe {name_or_file}:"]
    for problem in error.errors():
        key = ".".join(_keys_of(problem["loc"], settings)) or "(whole)"
        match problem["type"]:
            case "extra_forbidden":
                said = problem["msg"] + _keys_at(model, problem["loc"][:-1])
            case "model_type":
                said = f"Input should be a section, with keys and values{_keys_at(model, problem['loc'])}"
            case _:
                said = problem["msg"]
        lines.append(f"  {key}: {said}")
    return "\n".join(lines)


def _keys_of(location: Sequence[int | str], settings: Any) -> Iterator[str]:
    """Give the keys by which a problem is found in the settings, without the kind of a section, which pydantic adds."""
    for part in location:
        if isinstance(settings, Mapping) and part not in settings and part in settings.values():
            continue
        yield str(part)
        settings = settings.get(part) if isinstance(settings, Mapping) else None


def _keys_at(recipe: type[BaseModel], location: Sequence[int | str]) -> str:
    model: Any = recipe
    for key in location:
        annotation = model.model_fields[str(key)].annotation
        # A section that may be absent is one of two types.
        sections = [one for one in (annotation, *get_args(annotation)) if _is_section(one)]
        if len(sections) != 1:
            return ""
        [model] = sections
    return f"; known here: {', '.join(model.model_fields)}"


def _is_section(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def differences(one: Mapping[str, Any], other: Mapping[str, Any], path: str = "") -> list[str]:
    """List the keys in which two nested settings differ, as ``a.b: 1 -> 2``."""
    found: list[str] = []
    for key in sorted({*one, *other}):
        here, there = one.get(key), other.get(key)
        if isinstance(here, Mapping) and isinstance(there, Mapping):
            found += differences(here, there, f"{path}{key}.")
        elif here != there:
            found.append(f"{path}{key}: {here} -> {there}")
    return found
