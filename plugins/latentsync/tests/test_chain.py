"""`--generator latentsync15 --fallback musetalk`, and every way in which the first one can fail.

Each ends with all frames and a report that tells the story. Failures are real: files that are missing,
damaged, or hold what makes a network fail; passes that raise what torch raises; a process that is killed.
Networks are narrow ones of the published architectures.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from lipsync_latentsync.denoiser import Denoiser

from lipsync_core.testing.engine import kill_isolated_generator

FRAMES = 17
"""Two chunks: 0 to 15 and 12 to 16."""
FEW = 5
"""One chunk, for failures that do not wait for a later one."""
BOTH = ("latentsync15", "musetalk")
FIRST = ("latentsync15", "whisper-latentsync")
SECOND = ("musetalk", "whisper")


@pytest.fixture
def here(home) -> Path:
    """The weights folder with everything of both."""
    return home(*FIRST, *SECOND) / "weights"


def rewritten(file: Path, change) -> None:
    """The same checkpoint with other numbers; the file that all tests share stays as it is."""
    tensors = torch.load(file, weights_only=True)
    change(tensors.get("state_dict", tensors))
    file.unlink()
    torch.save(tensors, file)


def whole(made, by: str, frames: int = FRAMES) -> None:
    """Every frame is there, moves its mouth with the voice, and one generator made them all."""
    assert len(made.frames) == frames
    assert made.report["output"]["frames"] == frames
    assert made.report["chain"]["used"] == {by: frames}
    assert made.report["faces"]["frames_with_new_mouth"] == frames
    assert made.frames.mean(axis=(1, 2, 3)).min() > 20


def test_both_are_there(here, job):
    made = job(FRAMES, *BOTH)
    whole(made, "latentsync15")
    assert made.attempts == []
    assert made.report["stages"]["generate"]["calls"] == 2


@pytest.mark.parametrize(
    ("there", "by", "attempts"),
    [
        (SECOND, "musetalk", [("latentsync15", "probe")]),
        (FIRST, "latentsync15", [("musetalk", "probe")]),
        ((), "viseme", [("latentsync15", "probe"), ("musetalk", "probe")]),
    ],
    ids=["the first", "the second", "both"],
)
def test_one_is_missing(home, job, there, by: str, attempts):
    home(*there)
    made = job(FEW, *BOTH)
    whole(made, by, FEW)
    assert made.attempts == attempts
    assert all("not here" in a["reason"] for a in made.report["chain"]["attempts"])
    assert all("lipsync weights pull" in a["hint"] for a in made.report["chain"]["attempts"])
    assert made.report["chain"]["default_had_to_serve"] == (by == "viseme")


def test_it_fails_at_open(here: Path, job):
    """Half of the file, as after a broken download."""
    unet = here / "latentsync15" / "latentsync_unet.pt"
    content = unet.read_bytes()
    unet.unlink()
    unet.write_bytes(content[: len(content) // 2])
    made = job(FEW, *BOTH)
    whole(made, "musetalk", FEW)
    assert made.attempts == [("latentsync15", "open")]
    assert "latentsync_unet.pt" in made.report["chain"]["attempts"][0]["reason"]


def raising(monkeypatch, error: Exception, chunk: int) -> None:
    """LatentSync's passes raise from this chunk on, counted from 1."""
    denoised, calls = Denoiser.denoised, []

    def failing(self, *given):
        calls.append(1)
        if len(calls) < chunk:
            return denoised(self, *given)

        def quick(*given: object) -> None:
            raise error

        self._unet.quick = quick
        return denoised(self, *given)

    monkeypatch.setattr(Denoiser, "denoised", failing)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (IndexError("index 16 is out of bounds"), "IndexError: index 16 is out of bounds"),
        (torch.OutOfMemoryError("CUDA out of memory."), "LatentSync ran out of GPU memory"),
    ],
    ids=["exception", "memory"],
)
def test_it_fails_at_the_second_chunk(here, job, monkeypatch, error: Exception, told: str):
    raising(monkeypatch, error, chunk=2)
    made = job(FRAMES, *BOTH)
    whole(made, "musetalk")
    assert made.attempts == [("latentsync15", "generate")]
    assert told in made.report["chain"]["attempts"][0]["reason"]


def test_what_fits_in_halves_is_made_in_halves(here, job, monkeypatch):
    denoised = Denoiser.denoised
    sizes = []

    def tight(self, known, *given):
        if len(known) > 8:
            raise MemoryError
        sizes.append(len(known))
        return denoised(self, known, *given)

    monkeypatch.setattr(Denoiser, "denoised", tight)
    made = job(FRAMES, *BOTH)
    whole(made, "latentsync15")
    assert max(sizes) == 8
    assert made.attempts == []


def test_it_gives_nan(here: Path, job):
    """One weight that is no number, as in a file that was converted badly."""

    def spoil(tensors: dict[str, torch.Tensor]) -> None:
        tensors["conv_out.bias"][0] = torch.nan

    rewritten(here / "latentsync15" / "latentsync_unet.pt", spoil)
    made = job(FEW, *BOTH)
    whole(made, "musetalk", FEW)
    assert made.attempts == [("latentsync15", "generate")]
    assert "no numbers" in made.report["chain"]["attempts"][0]["reason"]


def test_it_gives_black(here: Path, job):
    """A decoder of zeros but for a bias: the mouth would be a black hole in the face."""

    def spoil(tensors: dict[str, torch.Tensor]) -> None:
        tensors["decoder.conv_out.weight"].zero_()
        tensors["decoder.conv_out.bias"].fill_(-5.0)

    rewritten(here / "latentsync15" / "sd-vae-ft-mse" / "diffusion_pytorch_model.bin", spoil)
    made = job(FEW, *BOTH)
    whole(made, "musetalk", FEW)
    assert made.attempts == [("latentsync15", "generate")]
    assert "black pictures" in made.report["chain"]["attempts"][0]["reason"]


def test_its_process_is_killed(here, job, monkeypatch):
    """In a process of its own (`--isolate`), which the system ends in the middle."""
    kill_isolated_generator(monkeypatch, at_call=2)
    made = job(FRAMES, *BOTH, isolate=("latentsync15",))
    whole(made, "musetalk")
    assert made.attempts == [("latentsync15", "generate")]
    assert "SIGKILL" in made.report["chain"]["attempts"][0]["reason"]


def test_both_fail(here: Path, job, monkeypatch):
    raising(monkeypatch, ValueError("ill"), chunk=1)
    (here / "musetalk" / "musetalkV15" / "unet.pth").unlink()
    (here / "musetalk" / "musetalkV15" / "unet.pth").write_bytes(b"damaged")
    made = job(FEW, *BOTH)
    whole(made, "viseme", FEW)
    assert made.attempts == [("latentsync15", "generate"), ("musetalk", "open")]
    assert made.report["chain"]["default_had_to_serve"]
    assert np.isfinite(made.frames).all()
