"""Makes or plans one video and shows the result: for every verb that ends in a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lipsync_core.errors import LipsyncError

if TYPE_CHECKING:
    from lipsync_core.registry import Registry
    from lipsync_core.requests import RunRequest
    from lipsync_core.running.progress import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class RunMode:
    """How runs are made and shown.

    Attributes:
        dry_run: plan only.
        evaluate: judge the video, as `lipsync eval` does.
        silent: show neither progress nor tables.
    """

    dry_run: bool = False
    evaluate: bool = False
    silent: bool = False


def execute(
    request: RunRequest, mode: RunMode, note: str = "", registry: Registry | None = None
) -> dict[str, Any]:
    """Plan or make one video, and show the plan or the report.

    Args:
        request: the video.
        mode: how it is made and shown.
        note: a line above the progress.
        registry: plugins; default: the installed ones.

    Returns:
        The plan or the report, as plain data.
    """
    from lipsync_core.cli.progress import progress as listener
    from lipsync_core.cli.summary import show_plan, show_summary
    from lipsync_core.engine.plan import plan
    from lipsync_core.engine.record.report import write
    from lipsync_core.engine.run import run

    with listener(mode.silent) as progress:
        if note:
            progress.note(note)
        if mode.dry_run:
            told = plan(request, progress, registry).as_dict()
        else:
            told = run(request, progress, registry)
            if mode.evaluate:
                told["evaluation"] = _judged(request, progress)
                write(told, request.output)
    if not mode.silent:
        (show_plan if mode.dry_run else show_summary)(told)
    return told


def _judged(request: RunRequest, progress: Progress) -> dict[str, Any]:
    """The figures of the video that was just made, or why it cannot be judged."""
    from lipsync_core.evaluation.evaluate import evaluate as judge
    from lipsync_core.evaluation.figures import plain
    from lipsync_core.evaluation.request import EvalRequest

    try:
        return plain(judge(EvalRequest.of_run(request), progress))
    except LipsyncError as error:
        progress.note(f"The video was made but cannot be judged: {error.message} {error.hint}")
        return {"error": error.message, "hint": error.hint}
