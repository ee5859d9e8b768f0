"""Edit lists in the form of CMX 3600, which editing programs read."""

from __future__ import annotations

import re
from pathlib import Path

from lipsync_core.media.edits import EditList


def cmx3600(edits: EditList, title: str, voice: Path) -> str:
    """The list as text: one video event an edit, one more where a frame is held, the voice as sound.

    Time codes count whole frames at the nominal rate (30 for 29.97), non-drop. A held frame is a motion
    effect (M2) of 0 frames a second. Reels are shortened to eight letters, as the form has it; comments
    hold the whole names.
    """
    reels = _Reels()
    nominal = round(edits.frame_rate)
    lines = [f"TITLE: {_plain(title)[:70]}", "FCM: NON-DROP FRAME", ""]
    number, at = 0, 0

    def event(reel: str, track: str, first: int, frames: int, name: str) -> None:
        nonlocal number
        number += 1
        times = [first, first + frames, at, at + frames]
        codes = " ".join(timecode(time, nominal) for time in times)
        lines.append(f"{number:03d}  {reel:<8} {track:<5} C        {codes}")
        lines.append(f"* FROM CLIP NAME: {name}")

    for edit in edits.edits:
        reel, name = reels.of(edit.clip), edit.clip.name
        event(reel, "V", edit.first, edit.frames, name)
        lines.append(f"* {'LIP SYNC' if edit.kind == 'talk' else 'AS RECORDED'}")
        at += edit.frames
        if edit.hold:
            last = edit.first + edit.frames - 1
            event(reel, "V", last, edit.hold, name)
            lines.append(f"M2   {reel:<8}       000.0                {timecode(last, nominal)}")
            at += edit.hold
    total, at = at, 0
    event(reels.of(voice), "A", 0, total, voice.name)
    return "\n".join([*lines, ""])


def timecode(frame: int, nominal: int) -> str:
    """`HH:MM:SS:FF` of a frame number."""
    seconds, frames = divmod(frame, nominal)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}:{frames:02d}"


class _Reels:
    """Names of eight letters for files, each its own."""

    def __init__(self) -> None:
        self._names: dict[Path, str] = {}

    def of(self, path: Path) -> str:
        """The reel of a file."""
        if path not in self._names:
            name = re.sub(r"[^A-Z0-9]", "", path.stem.upper())[:8] or "CLIP"
            number = 2
            while name in self._names.values():
                tail = str(number)
                name, number = f"{name[: 8 - len(tail)]}{tail}", number + 1
            self._names[path] = name
        return self._names[path]


def _plain(text: str) -> str:
    return " ".join(text.encode("ascii", "replace").decode("ascii").split())
