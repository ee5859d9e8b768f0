"""Resumes a training: finds the stored state, if it fits, and one of its checkpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lipsync_core.errors import UnsupportedInput, UsageError
from lipsync_synctalk2d.training.state import Mark, State, TrainingFolder, truncated

if TYPE_CHECKING:
    from lipsync_core.running.progress import Progress
    from lipsync_synctalk2d.training.request import TrainRequest


def begin(
    request: TrainRequest, folder: TrainingFolder, digest: str, start: str, progress: Progress
) -> tuple[State, Mark | None]:
    """The state to resume, and its checkpoint; a new state where there is none."""
    recipe = request.recipe(digest)
    state = folder.read()
    if state is None:
        if start:
            raise UsageError(f"Nothing was trained as '{request.name}' yet.", "Omit --from.")
        return State(recipe=recipe), None
    changed = [name for name, value in recipe.items() if state.recipe.get(name) != value]
    if changed:
        told = ", ".join(f"{n} {state.recipe.get(n)} -> {recipe[n]}" for n in changed)
        raise UsageError(
            f"There is a training of '{request.name}' with other settings ({told}).",
            "Use the same settings to resume, another --name, or --fresh to start over.",
        )
    mark = _chosen(state, folder, start, progress)
    if mark is None:
        return State(recipe=recipe), None
    progress.note(f"resuming from {mark.file}")
    state = truncated(state, mark)
    folder.tidy(state)
    return state, mark


def _chosen(state: State, folder: TrainingFolder, start: str, progress: Progress) -> Mark | None:
    """The checkpoint that was asked for, or the newest that can be read."""
    known = [*state.marks, *([state.best] if state.best else [])]
    if start:
        asked = state.best if start == "best" else next((m for m in known if m.file == start), None)
        if asked is None:
            files = ", ".join(dict.fromkeys(m.file for m in known)) or "none"
            raise UsageError(
                f"There is no checkpoint '{start}'.", f"There are: {files}; or say --from best."
            )
        return asked
    for mark in reversed(known[: len(state.marks)]):
        try:
            folder.load(mark.file)
        except UnsupportedInput as error:
            progress.note(f"{error.message} The one before it is taken.")
            continue
        return mark
    if state.marks:
        raise UnsupportedInput(
            f"No checkpoint in {folder.path} can be read.", "Begin anew with --fresh."
        )
    return None
