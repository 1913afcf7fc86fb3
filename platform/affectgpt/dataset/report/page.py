"""The shell of a report: one HTML page that needs nothing beside itself, neither network nor script.

Text that comes from outside is escaped, made printable, isolated in its writing direction and cut to length. The page's
content security policy allows its own style sheet, by hash, and pictures out of data URIs; nothing else can load or
run, whatever such a text holds.
"""

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from affectgpt.dataset.report import text

_HERE = Path(__file__).parent
_FORMATTERS = (text.count, text.duration, text.excerpt, text.moment, text.number, text.percent, text.words)


def page_environment(folder: Path) -> Environment:
    """Make the environment that a report's templates run in, with the formatters of ``text`` as filters.

    Args:
        folder: where the report's own templates are; ``page.html.jinja`` and ``text.html.jinja`` are there for all.
    """
    environment = Environment(
        loader=FileSystemLoader([folder, _HERE]),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update({formatter.__name__: formatter for formatter in _FORMATTERS})
    environment.globals["longest_text"] = text.LONGEST_TEXT
    return environment


def render_page(environment: Environment, template: str, style_sheet: Path, content: Mapping[str, Any]) -> str:
    """Render a template that extends ``page.html.jinja``, in the style of all reports and the report's own.

    Args:
        environment: what ``page_environment`` made.
        template: the template's name.
        style_sheet: the CSS file that follows ``page.css``.
        content: the template's variables.

    Raises:
        jinja2.UndefinedError: something that the template shows is not in ``content``.
    """
    style = "\n".join(file.read_text(encoding="utf-8") for file in (_HERE / "page.css", style_sheet))
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
    return environment.get_template(template).render(content, style=Markup(style), style_sha256=digest)


def _finalize(value: object) -> object:
    if value is None:
        return text.DASH
    return text.printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value
