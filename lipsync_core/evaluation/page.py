"""Writes an evaluation as data, as a picture, or as one page of HTML that carries its picture with it."""

from __future__ import annotations

import base64
import html
import json
from pathlib import Path
from typing import Any

from lipsync_core.errors import UsageError
from lipsync_core.evaluation.plot import draw
from lipsync_core.media.output import atomic_output

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


def plain(told: dict[str, Any]) -> dict[str, Any]:
    """What `evaluate` gave, without the arrays for the plot: ready for JSON."""
    return {key: value for key, value in told.items() if key != "curves"}


def rows(told: dict[str, Any]) -> list[tuple[str, str, float, str]]:
    """(group, figure, value, meaning) of everything that was measured."""
    found: list[tuple[str, str, float, str]] = []
    for name, scored in told["scorers"].items():
        for key, value in scored["figures"].items():
            meaning = scored["meaning"][key]
            better = "" if meaning["better"] == "count" else f" (better {meaning['better']})"
            found.append((name, key, value, meaning["help"] + better))
    for group, meanings in _MEANINGS.items():
        for key, meaning in meanings.items():
            if key in told.get(group, {}):
                found.append((group.replace("_", " "), key, float(told[group][key]), meaning))
    return found


_MEANINGS: dict[str, dict[str, str]] = {
    "phones": {
        "bilabials": "p, b and m spoken, by the file of phones",
        "closed": "share of them with lips closed, 0..1 (better higher)",
    },
    "against_reference": {
        "landmark_distance": "mouth landmarks off, percent of the eyes' distance (better lower)",
        "psnr_mouth": "dB (better higher)",
        "ssim_mouth": "0..1 (better higher)",
        "psnr_outside": "dB outside the face; lower than the encoder's loss: more was changed",
        "ssim_outside": "0..1 outside the face",
    },
    "flicker": {
        "flicker_mouth": "levels that come and go within three frames, lower half of the face",
        "flicker_upper": "the same in the upper half: noise, compression, blinks",
        "flicker_ratio": "mouth over upper half; real speech moves, so compare like with like",
    },
    "faces": {
        "hit_rate": "share of frames with a face",
        "usable_rate": "share with a face large and frontal enough",
    },
    "timing": {
        "sound_starts_after": "seconds from the first frame to the first sample",
        "sound_longer_by": "seconds that the sound ends after the picture",
    },
}


def write(told: dict[str, Any], path: Path) -> None:
    """Write to `path`, in the form that its suffix names, in one step."""
    form = check_form(path).suffix.lower()
    if form == ".json":
        data = (json.dumps(plain(told), indent=2, ensure_ascii=False) + "\n").encode()
    elif form == ".png":
        data = draw(told)
    else:
        data = _page(told).encode()
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
