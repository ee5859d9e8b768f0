"""`lipsync run --tasks FILE`: several runs from one file, in MuseTalk's format.

The file is YAML: a mapping of tasks, each with `video_path` and `audio_path`, optionally `result_name`, and
options of its generators (such as `bbox_shift`). As in MuseTalk, paths are relative to the working folder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lipsync_core.cli.execution import RunMode, execute
from lipsync_core.errors import (
    Cancelled,
    LipsyncError,
    PluginUnavailable,
    UnsupportedInput,
    UsageError,
)
from lipsync_core.registry import Registry
from lipsync_core.requests import PluginSettings, RunRequest
from lipsync_core.specs import GeneratorSpec

TARGET, AUDIO, RESULT = "video_path", "audio_path", "result_name"
_FORM = f"A task looks like this: task_0: {{{TARGET}: face.mp4, {AUDIO}: voice.wav}}."
_SUFFIX = ".mp4"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One run.

    Attributes:
        name: as in the file.
        target: file with the face.
        audio: file with the sound.
        result: file name of the video to make.
        options: options of its generators: key -> value as text.
    """

    name: str
    target: Path
    audio: Path
    result: str
    options: Mapping[str, str]


def run_all(
    path: Path, like: RunRequest, folder: Path, mode: RunMode
) -> tuple[int, list[dict[str, Any]]]:
    """Run each task of a file.

    Returns:
        The highest exit code, and the report or the error of each task.

    Raises:
        LipsyncError: the file cannot be used, and nothing was started; or the user stopped the run.
    """
    from lipsync_core.cli.console import failure, show_error

    registry = Registry.load()
    jobs = list(requests(read(path), like, folder, registry))
    code, each = 0, []
    for name, request in jobs:
        note = f"{name}: {request.target.path} with {request.audio}"
        try:
            told = execute(request, mode, note, registry)
        except Cancelled:
            raise
        except LipsyncError as error:
            show_error(error, about=name)
            code, told = max(code, error.exit_code), failure(error)
        each.append({"task": name, **told})
    return code, each


def read(path: Path) -> list[Task]:
    """The tasks of a file, in its order.

    Raises:
        UnsupportedInput: it cannot be read, or does not hold tasks.
    """
    import yaml

    try:
        told = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not a text file"
        raise UnsupportedInput(f"{path} cannot be read: {why}.", _FORM) from None
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        what = getattr(error, "problem", None) or "it cannot be parsed"
        raise UnsupportedInput(f"{path} is not valid YAML{where}: {what}.", _FORM) from None
    if not isinstance(told, dict) or not told:
        raise UnsupportedInput(f"{path} holds no tasks.", _FORM)
    tasks = [_task(path, str(name), values) for name, values in told.items()]
    _check_results_differ(path, tasks)
    return tasks


def _task(path: Path, name: str, values: object) -> Task:
    if not isinstance(values, dict):
        raise UnsupportedInput(f"{path}: '{name}' must be a mapping.", _FORM)
    for key in (TARGET, AUDIO):
        if not isinstance(values.get(key), str) or not values[key].strip():
            raise UnsupportedInput(f"{path}: '{name}' needs a {key}.", _FORM)
    for key, value in values.items():
        if not isinstance(value, str | int | float | bool):
            raise UnsupportedInput(
                f"{path}: {key} of '{name}' must be a number, a word or a path.", _FORM
            )
    result = str(values.get(RESULT, name))
    if Path(result).name != result:
        raise UnsupportedInput(
            f"{path}: {RESULT} of '{name}' must be a file name, not the path {result}.",
            "Set the folder of all results with --output.",
        )
    return Task(
        name=name,
        target=Path(values[TARGET]).expanduser(),
        audio=Path(values[AUDIO]).expanduser(),
        result=result if Path(result).suffix else result + _SUFFIX,
        options={str(k): _text(v) for k, v in values.items() if k not in (TARGET, AUDIO, RESULT)},
    )


def _text(value: object) -> str:
    """A value as it is written on the command line."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _check_results_differ(path: Path, tasks: list[Task]) -> None:
    seen: dict[str, str] = {}
    for task in tasks:
        if task.result in seen:
            raise UnsupportedInput(
                f"{path}: '{seen[task.result]}' and '{task.name}' would both write {task.result}.",
                f"Give one of them another {RESULT}.",
            )
        seen[task.result] = task.name


def requests(
    tasks: list[Task], like: RunRequest, folder: Path, registry: Registry
) -> Iterator[tuple[str, RunRequest]]:
    """Name and request of each task.

    Args:
        tasks: what to run.
        like: the settings of all tasks; its files are replaced.
        folder: where the videos go.
        registry: plugins; they declare whose options a task sets.

    Raises:
        UsageError: a task sets an option that none of the generators declares.
    """
    for task in tasks:
        yield (
            task.name,
            replace(
                like,
                target=replace(like.target, path=task.target),
                audio=task.audio,
                output=folder / task.result,
                plugins=replace(like.plugins, options=_options(task, like.plugins, registry)),
            ),
        )


def _options(
    task: Task, like: PluginSettings, registry: Registry
) -> Mapping[str, Mapping[str, str]]:
    """The options of the command line, overridden by the task's for each generator that declares them."""
    declared = {name: _declared(registry, name) for name in like.generators}
    options = {name: dict(given) for name, given in like.options.items()}
    for key, value in task.options.items():
        owners = [name for name, keys in declared.items() if key in keys]
        if not owners:
            names = ", ".join(like.generators) or "the built-in generator"
            raise UsageError(
                f"Unknown option '{key}' in task '{task.name}': {names} does not have it.",
                "Remove it, or choose a generator that has it, such as --generator musetalk.",
            )
        for name in owners:
            options.setdefault(name, {})[key] = value
    return options


def _declared(registry: Registry, name: str) -> set[str]:
    try:
        return {option.key for option in registry.get(GeneratorSpec, name).options}
    except PluginUnavailable:  # the run reports it
        return set()
