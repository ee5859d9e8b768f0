"""Whole videos by the hybrid: who made which frames is told, and where that changes nothing breaks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from lipsync_latentsync.denoiser import Denoiser
from lipsync_latentsync.spec import LATENTSYNC15

FRAMES = 29
"""Three chunks: 0 to 15, 12 to 27, 24 to 28."""
SECOND = 2
FEW = 4


@pytest.fixture
def here(home) -> Path:
    return home("latentsync15", "musetalk", "whisper") / "weights"


def failing_once(monkeypatch, chunk: int) -> None:
    denoised, calls = Denoiser.denoised, []

    def tried(self, *given):
        calls.append(1)
        if len(calls) == chunk:
            raise RuntimeError("a bad moment")
        return denoised(self, *given)

    monkeypatch.setattr(Denoiser, "denoised", tried)


def steps(frames: np.ndarray) -> np.ndarray:
    """How much each frame differs from the one before, in levels."""
    return np.abs(np.diff(frames.astype(int), axis=0)).mean(axis=(1, 2, 3))


def test_the_network_changes_within_a_shot_and_fades_over(here, job, monkeypatch):
    alone = job(FRAMES, "musetalk", strict=True)
    with monkeypatch.context() as once:
        failing_once(once, SECOND)
        made = job(FRAMES, "hybrid", strict=True)
    assert made.report["chain"]["used"] == {"hybrid": FRAMES}
    assert made.notes == [
        (0, 11, "latentsync"),
        (12, 23, "musetalk (latentsync: RuntimeError: a bad moment)"),
        (24, 28, "latentsync"),
    ]
    apart = np.abs(made.frames.astype(int) - alone.frames).mean(axis=(1, 2, 3))
    assert apart[16:24].max() < 0.2, "MuseTalk's own frames, where nothing fades"
    assert apart[:12].min() > 5 * apart[16:24].max()
    # 12 to 15 and 24 to 27 fade from one mouth to the other: each step is a share of what lies between.
    between = np.abs(made.frames[11].astype(int) - made.frames[16]).mean()
    assert steps(made.frames)[11:16].max() < 0.6 * between
    back = np.abs(made.frames[23].astype(int) - made.frames[28]).mean()
    assert steps(made.frames)[23:28].max() < 0.6 * back


def test_a_damaged_file_leaves_the_video_to_musetalk(here: Path, job):
    unet = here / "latentsync15" / "latentsync_unet.pt"
    unet.unlink()
    unet.write_bytes(b"damaged")
    made = job(FEW, "hybrid", strict=True)
    assert made.report["chain"]["used"] == {"hybrid": FEW}
    ((first, last, note),) = made.notes
    assert (first, last) == (0, FEW - 1)
    assert note.startswith("musetalk (latentsync: ")
    assert "latentsync_unet.pt" in note


def test_the_chain_goes_on_behind_it(home, job, monkeypatch):
    """Without MuseTalk's weights it has nothing to fall back on; the chain has."""
    home("latentsync15", "whisper")

    def ill(self, *given):
        raise RuntimeError("ill")

    monkeypatch.setattr(Denoiser, "denoised", ill)
    made = job(FEW, "hybrid")
    assert made.report["chain"]["used"] == {"viseme": FEW}
    (attempt,) = made.report["chain"]["attempts"]
    assert (attempt["generator"], attempt["phase"]) == ("hybrid", "generate")
    assert (
        "latentsync: RuntimeError: ill; musetalk: MuseTalk's weights are not here"
        in attempt["reason"]
    )
    assert made.notes == []


def test_in_a_process_of_its_own_it_tells_the_same(here: Path, job):
    made = job(FEW, "hybrid", strict=True, isolate=("hybrid",))
    assert made.notes == [(0, FEW - 1, "latentsync")]
    assert LATENTSYNC15.name not in made.report["chain"]["used"]
