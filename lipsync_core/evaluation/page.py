"""Writes an evaluation as data, as a picture, or as one page of HTML that carries its picture with it."""

from __future__ import annotations

import base64
import html
from pathlib import Path
from typing import Any

from lipsync_core.errors import UsageError
from lipsync_core.evaluation.figures import plain, rows
from lipsync_core.evaluation.plot import draw
from lipsync_core.media.output import atomic_output, json_bytes, readable

FORMS = (".json", ".png", ".html")
_STYLE = (
    "body{font-family:sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem}"
    "td,th{padding:.2rem 1rem .2rem 0;text-align:left;vertical-align:top}img{max-width:100%}"
    "td.n{text-align:right;font-variant-numeric:tabular-nums}.s{color:#666}"
)


def check_form(path: Path) -> Path:
    """The path, if its suffix is one that can be written.

    Raises:
        UsageError: it is not.
    """
    if path.suffix.lower() not in FORMS:
        raise UsageError(
            f"An evaluation cannot be written as {path.name}.", f"Use one of {', '.join(FORMS)}."
        )
    return path


def write(told: dict[str, Any], path: Path) -> None:
    """Write to `path`, in the form that its suffix names, in one step."""
    form = check_form(path).suffix.lower()
    if form == ".json":
        data = json_bytes(plain(told))
    elif form == ".png":
        data = draw(told)
    else:
        data = readable(_page(told)).encode()
    with atomic_output(path) as part:
        part.write_bytes(data)


def _page(told: dict[str, Any]) -> str:
    title = html.escape(Path(told["video"]).name)
    cells = "\n".join(
        f'<tr><td>{html.escape(group)}</td><td>{html.escape(key)}</td><td class="n">{value:.4g}</td>'
        f'<td class="s">{html.escape(meaning)}</td></tr>'
        for group, key, value, meaning in rows(told)
    )
    absent = "".join(
        f"<li>{html.escape(name)}: {html.escape(why['reason'])}. {html.escape(why['hint'])}</li>"
        for name, why in told["not_scored"].items()
    )
    picture = base64.b64encode(draw(told)).decode()
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style><h1>{title}</h1>"
        f"<p>sound: {html.escape(told['sound'])}; reference: {html.escape(str(told['reference']))}; "
        f"lipsync {html.escape(told['version'])}</p>"
        f'<img alt="curves over time" src="data:image/png;base64,{picture}">'
        f"<table><tr><th>by</th><th>figure</th><th>value</th><th>meaning</th></tr>{cells}</table>"
        f"{'<h2>Not scored</h2><ul>' + absent + '</ul>' if absent else ''}</html>\n"
    )
