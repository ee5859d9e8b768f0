"""`lipsync run --tasks FILE`: several runs from one file, in the form that MuseTalk's users have.

The file is YAML: a mapping of tasks, each with `video_path` and `audio_path`, perhaps `result_name`, and
options of its generators (`bbox_shift`). Paths are relative to the folder in which the command is given, as
there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from lipsync_core.errors import PluginUnavailable, UnsupportedInput, UsageError
from lipsync_core.registry import Registry
from lipsync_core.requests import PluginSettings, RunRequest
from lipsync_core.specs import GeneratorSpec

FACE, VOICE, RESULT = "video_path", "audio_path", "result_name"
_FORM = f"A task looks like this: task_0: {{{FACE}: face.mp4, {VOICE}: voice.wav}}."
_SUFFIX = ".mp4"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One run.

    Attributes:
        name: as in the file.
        face: target.
        audio: the voice.
        result: name of the video to make.
        options: of its generators, as text by key.
    """

    name: str
    face: Path
    audio: Path
    result: str
    options: Mapping[str, str]


def read(path: Path) -> list[Task]:
    """The tasks of a file, in its order.

    Raises:
        UnsupportedInput: it cannot be read, or is no file of tasks.
    """
    import yaml

    try:
        told = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise UnsupportedInput(f"The tasks {path} cannot be read: {why}.", _FORM) from None
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        what = getattr(error, "problem", None) or "it cannot be parsed"
        raise UnsupportedInput(f"The tasks {path} are no YAML{where}: {what}.", _FORM) from None
    if not isinstance(told, dict) or not told:
        raise UnsupportedInput(f"{path} holds no tasks.", _FORM)
    tasks = [_task(path, str(name), values) for name, values in told.items()]
    _all_apart(path, tasks)
    return tasks


def _task(path: Path, name: str, values: object) -> Task:
    if not isinstance(values, dict):
        raise UnsupportedInput(f"{path}: '{name}' is no task.", _FORM)
    for key in (FACE, VOICE):
        if not isinstance(values.get(key), str) or not values[key].strip():
            raise UnsupportedInput(f"{path}: '{name}' has no {key}.", _FORM)
    for key, value in values.items():
        if not isinstance(value, str | int | float | bool):
            raise UnsupportedInput(f"{path}: {key} of '{name}' is no number, word or path.", _FORM)
    result = str(values.get(RESULT, name))
    if Path(result).name != result:
        raise UnsupportedInput(
            f"{path}: {RESULT} of '{name}' is a path: {result}.",
            "Give a name; --output names the folder of all results.",
        )
    return Task(
        name=name,
        face=Path(values[FACE]).expanduser(),
        audio=Path(values[VOICE]).expanduser(),
        result=result if Path(result).suffix else result + _SUFFIX,
        options={str(k): _text(v) for k, v in values.items() if k not in (FACE, VOICE, RESULT)},
    )


def _text(value: object) -> str:
    """As on the command line."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _all_apart(path: Path, tasks: list[Task]) -> None:
    seen: dict[str, str] = {}
    for task in tasks:
        if task.result in seen:
            raise UnsupportedInput(
                f"{path}: '{seen[task.result]}' and '{task.name}' would both make {task.result}.",
                f"Give one of them a {RESULT} of its own.",
            )
        seen[task.result] = task.name


def requests(
    tasks: list[Task], like: RunRequest, folder: Path, registry: Registry
) -> Iterator[tuple[str, RunRequest]]:
    """Name and request of each task.

    Args:
        tasks: what to run.
        like: what is the same in all; its files do not count.
        folder: where the videos go.
        registry: plugins, which say whose options a task sets.

    Raises:
        UsageError: a task sets an option that none of the generators has.
    """
    for task in tasks:
        yield (
            task.name,
            replace(
                like,
                target=replace(like.target, path=task.face),
                audio=task.audio,
                output=folder / task.result,
                plugins=replace(like.plugins, options=_options(task, like.plugins, registry)),
            ),
        )


def _options(
    task: Task, like: PluginSettings, registry: Registry
) -> Mapping[str, Mapping[str, str]]:
    """Those of the command line, and over them the task's for each generator that has them."""
    declared = {name: _declared(registry, name) for name in like.generators}
    options = {name: dict(given) for name, given in like.options.items()}
    for key, value in task.options.items():
        owners = [name for name, keys in declared.items() if key in keys]
        if not owners:
            names = ", ".join(like.generators) or "the embedded default"
            raise UsageError(
                f"'{task.name}' sets {key}, which is no option of {names}.",
                "Take it out, or choose a generator that has it, for example --generator musetalk.",
            )
        for name in owners:
            options.setdefault(name, {})[key] = value
    return options


def _declared(registry: Registry, name: str) -> set[str]:
    try:
        return {option.key for option in registry.get(GeneratorSpec, name).options}
    except PluginUnavailable:  # the chain tells
        return set()
