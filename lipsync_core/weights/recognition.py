"""Tells by content which declared weight file a file is; its name decides only between equals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lipsync_core.errors import PluginUnavailable, UnsupportedInput, UsageError
from lipsync_core.weights import digests
from lipsync_core.weights.entries import Entry
from lipsync_core.weights.meter import Meter
from lipsync_core.weights.outline import Outline, differences, outline

SUFFIXES = (".pth", ".pt", ".ckpt", ".bin", ".safetensors", ".onnx", ".tar", ".th", ".pkl")
"""Of files that hold weights; others (config.json) are known by their name only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """A file and what it is: the entries want the same file of the same publisher."""

    path: Path
    entries: tuple[Entry, ...]


def recognise(
    path: Path,
    known: Sequence[Entry],
    *,
    chosen: str | None = None,
    meter: Meter | None = None,
) -> Recognised:
    """What `path` is among `known`.

    Args:
        path: a file; its last folders count as part of its name.
        known: what it may be.
        chosen: the user's word for what it is: "FILE" or "PLUGIN/FILE" as declared.
        meter: told of checksums, which take time.

    Raises:
        UnsupportedInput: it is damaged, of another variant, has a wrong checksum, or is not recognised.
        UsageError: `chosen` names nothing; or several fit and the name does not tell which.
    """
    inside = _inside(path, known)
    if chosen is not None:
        fitting = _named(chosen, known)
        refuse_other(path, fitting[0], inside)
    else:
        fitting = [e for e in known if _fits(path, e, inside)]
        if not fitting:
            raise _unknown(path, known, inside)
    fitting = _by_size_and_sum(path, fitting, meter)
    if len({e.identity for e in fitting}) > 1:
        best = max(_likeness(path, e) for e in fitting)
        fitting = [e for e in fitting if best and _likeness(path, e) == best] or fitting
    if len({e.identity for e in fitting}) > 1:
        raise UsageError(
            f"{path} fits {len(fitting)} weight files, and its name does not tell which.",
            "Say it with --as: " + " or ".join(e.label for e in fitting[:8]) + ".",
        )
    return Recognised(path=path, entries=tuple(fitting))


def refuse_other(path: Path, entry: Entry, inside: Outline | None) -> None:
    """Refuse a file whose content is not that of `entry`.

    Raises:
        UnsupportedInput: says what differs.
    """
    if inside is None:
        return
    told = differences(entry.weight, inside)
    if told:
        raise UnsupportedInput(
            f"{path} is another variant than {entry.label}: {'; '.join(told[:3])}.",
            _where(entry),
        )


def looks_known(path: Path, known: Sequence[Entry]) -> bool:
    """Whether the name, or the suffix, is one of weights: what an import of a folder looks into."""
    return path.suffix.lower() in SUFFIXES or any(_likeness(path, e) for e in known)


def _inside(path: Path, known: Sequence[Entry]) -> Outline | None:
    """What is in a file of weights; None for others (by suffix and name)."""
    if not path.is_file():
        raise UnsupportedInput(f"There is no file {path}.", "Check the path.")
    try:
        return outline(path)
    except PluginUnavailable as error:
        named = any(e.weight.holds and _likeness(path, e) for e in known)
        if named or path.suffix.lower() in SUFFIXES or path.stat().st_size == 0:
            raise UnsupportedInput(error.message, error.hint) from None
        return None


def _fits(path: Path, entry: Entry, inside: Outline | None) -> bool:
    if entry.weight.holds:
        return inside is not None and not differences(entry.weight, inside)
    return _likeness(path, entry) > 0


def _named(chosen: str, known: Sequence[Entry]) -> list[Entry]:
    exact = [e for e in known if chosen in (e.label, e.weight.path)]
    found = exact or [e for e in known if chosen == PurePosixPath(e.weight.path).name]
    if not found:
        some = ", ".join(e.label for e in known[:12]) or "none"
        raise UsageError(f"No plugin has a weight file '{chosen}'.", f"Known here: {some}.")
    return found


def _by_size_and_sum(path: Path, fitting: list[Entry], meter: Meter | None) -> list[Entry]:
    """Those whose declared size and checksum are the file's; where a checksum agrees, only those."""
    size = path.stat().st_size
    left = [e for e in fitting if e.weight.size in (None, size)]
    if not left:
        wanted = fitting[0].weight.size
        raise UnsupportedInput(
            f"{path} has {size} bytes, and {fitting[0].label} has {wanted}: it was cut short, "
            "or is another version.",
            _where(fitting[0]),
        )
    if all(e.weight.sha256 is None for e in left):
        return left
    digest = digests.sha256(path, meter)
    exact = [e for e in left if e.weight.sha256 == digest]
    left = exact or [e for e in left if e.weight.sha256 is None]
    if not left:
        raise UnsupportedInput(
            f"{path} has another checksum than {fitting[0].label} (sha256 {digest[:12]}... instead of "
            f"{(fitting[0].weight.sha256 or '')[:12]}...): it is damaged, or another version.",
            _where(fitting[0]),
        )
    return left


def _likeness(path: Path, entry: Entry) -> int:
    """How many trailing parts of the path agree with a declared name; the file's own name must."""
    weight = entry.weight
    names = (weight.path, *weight.alternatives, weight.file or weight.path)
    best = 0
    for name in names:
        same = 0
        for ours, theirs in zip(
            reversed(PurePosixPath(name).parts), reversed(path.parts), strict=False
        ):
            if ours.lower() != theirs.lower():
                break
            same += 1
        best = max(best, same)
    return best


def _unknown(path: Path, known: Sequence[Entry], inside: Outline | None) -> UnsupportedInput:
    alike = [e for e in known if _likeness(path, e)]
    if alike and inside is None:
        return UnsupportedInput(f"{path} holds no weights.", _where(alike[0]))
    if alike and inside is not None:
        told = differences(alike[0].weight, inside)
        return UnsupportedInput(
            f"{path} is named like {alike[0].label} and is another variant: {'; '.join(told[:3])}.",
            _where(alike[0]),
        )
    what = "it holds no weights"
    if inside is not None:
        first = ", ".join(list(inside.shapes)[:3])
        what = f"its {len(inside.shapes)} tensors ({first}, ...) are those of no network known here"
    return UnsupportedInput(
        f"{path} is not recognised: {what}.",
        "`lipsync weights list` shows what is known; "
        "where you are sure, name it with --as PLUGIN/FILE.",
    )


def _where(entry: Entry) -> str:
    weight = entry.weight
    if weight.repository:
        return f"lipsync weights pull {entry.name}"
    return f"Get {weight.path} from {weight.origin or 'its publisher'}."
