"""Python, Ray, the platform, and the packages that the recipe's engines need: the same on all nodes, and all there."""

import functools
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from platform import python_version

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import affectgpt
from affectgpt.doctor.check import ALL, Check, Finding, Node
from affectgpt.doctor.needs import Needs
from affectgpt.errors import JobError

DISTRIBUTION = "affectgpt-platform"


@dataclass(frozen=True)
class Versions:
    """What a node has.

    Attributes:
        python: version of the interpreter.
        platform: version of this code.
        packages: versions of the installed packages that were asked about.
    """

    python: str
    platform: str
    packages: Mapping[str, str]


class VersionsCheck(Check[Versions]):
    """Whether all nodes have what the job imports, in one version."""

    name = "versions"

    def look(self, needs: Needs) -> Versions:
        """Read the versions that are installed here."""
        wanted = {requirement.name for extras in _every_choice(needs) for requirement in requirements(extras)}
        found = {name: version for name in sorted({*wanted, "ray"}) if (version := _installed(name)) is not None}
        return Versions(python_version(), affectgpt.__version__, found)

    def judge(self, needs: Needs, seen: Mapping[Node, Versions]) -> list[Finding]:
        """Compare the nodes with each other, and each with what is required."""
        findings = [finding for node, has in seen.items() for finding in self._missing(needs, node.name, has)]
        findings += self._differing(seen)
        if not findings and seen:
            has = next(iter(seen.values()))
            found = f"Python {has.python}, Ray {has.packages['ray']}, platform {has.platform}"
            findings.append(self.ok(found + _listed_extras(needs)))
        return findings

    def _missing(self, needs: Needs, node: str, has: Versions) -> Iterator[Finding]:
        for choices in needs.extras or ((),):
            lacking = {extra: _lacking(extra, has) for extra in choices or (None,)}
            if all(lacking.values()):
                extra, found = min(lacking.items(), key=lambda one: len(one[1]))
                target = DISTRIBUTION if extra is None else f"{DISTRIBUTION}[{extra}]"
                others = "".join(f" (or [{other}])" for other in lacking if other != extra)
                yield self.failed(node, "; ".join(found), f"pip install '{target}'{others} there")

    def _differing(self, seen: Mapping[Node, Versions]) -> Iterator[Finding]:
        per_name: dict[str, dict[str, list[str]]] = {}
        for node, has in seen.items():
            versions = {"Python": has.python, "the platform": has.platform, **has.packages}
            for name, version in versions.items():
                per_name.setdefault(name, {}).setdefault(version, []).append(node.name)
        for name, found in per_name.items():
            if len(found) > 1:
                listed = "; ".join(f"{version} on {', '.join(nodes)}" for version, nodes in found.items())
                yield self.failed(ALL, f"{name}: {listed}", f"install one version of {name} on all nodes")


def requirements(extra: str | None) -> list[Requirement]:
    """Return what the platform requires, or one of its extras.

    Raises:
        JobError: the platform is neither installed nor run from its source folder.
    """
    found = []
    for requirement in map(Requirement, _declared(extra)):
        if canonicalize_name(requirement.name) == DISTRIBUTION:
            found += [one for nested in sorted(requirement.extras) for one in requirements(nested)]
        else:
            found.append(requirement)
    return found


@functools.cache
def _declared(extra: str | None) -> tuple[str, ...]:
    source = Path(affectgpt.__file__).resolve().parents[2] / "pyproject.toml"
    if source.is_file():
        project = tomllib.loads(source.read_text(encoding="utf-8"))["project"]
        return tuple(project["dependencies"] if extra is None else project["optional-dependencies"][extra])
    try:
        lines = map(Requirement, metadata.requires(DISTRIBUTION) or [])
    except metadata.PackageNotFoundError as error:
        raise JobError(f"{DISTRIBUTION} is not installed; pip install it, or run from its source folder") from error
    own = (line for line in lines if (line.marker is None) == (extra is None))
    kept = [line for line in own if line.marker is None or line.marker.evaluate({"extra": extra or ""})]
    for line in kept:
        line.marker = None
    return tuple(map(str, kept))


def _every_choice(needs: Needs) -> tuple[str | None, ...]:
    return (None, *(extra for choices in needs.extras for extra in choices))


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _lacking(extra: str | None, has: Versions) -> list[str]:
    """Say what of the platform's own requirements and of an extra is not there as it has to be."""
    wanted = [*requirements(None), *(requirements(extra) if extra is not None else ())]
    lacking = []
    for requirement in {str(one): one for one in wanted}.values():
        version = has.packages.get(requirement.name)
        if version is None:
            lacking.append(f"{requirement.name} is not installed")
        elif not requirement.specifier.contains(version, prereleases=True):
            lacking.append(f"{requirement.name} is {version}, and has to be {requirement.specifier}")
    return lacking


def _listed_extras(needs: Needs) -> str:
    return "".join(f", [{' or '.join(choices)}]" for choices in needs.extras)
