"""From footage to a dataset: up to 25 crops a second where the face can be used, and the sound of each.

The audio features of each crop belong to its exact time, so footage need not have 25 frames a second.
Crops lie where the engine will cut them in a run: the same landmarks, smoothed in the same way.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from lipsync_core.contracts import AudioEncoder, Unavailable
from lipsync_core.errors import OutputError, PluginUnavailable
from lipsync_core.footage import SoundCursor, canvas_for, place_on
from lipsync_core.machine import places
from lipsync_core.registry import Registry
from lipsync_core.registry.opening import opened
from lipsync_core.registry.probing import context_for, probe
from lipsync_core.specs import AudioEncoderSpec
from lipsync_core.voice.features import VARIABLE_RATE_CLOCK, FeatureFile, encode
from lipsync_synctalk2d.layouts import encoder_for
from lipsync_synctalk2d.spec import GENERATORS
from lipsync_synctalk2d.training import dataset
from lipsync_synctalk2d.training.dataset import Dataset, crop_bytes, whole_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipsync_core.footage import AnalysedTarget, TargetFrame
    from lipsync_core.records import Crops, Samples
    from lipsync_core.running.progress import Progress
    from lipsync_synctalk2d.training.request import TrainRequest

RATE = 25
"""Crops a second at the most; more would be nearly the same picture twice."""
USABLE = 0.5
"""Strength from which on a face is learnt from."""
_BLOCK = 64
"""Crops written at a time."""
_MOUTH = slice(48, 68)
_ROOM = 0.35
"""Of its width and height, by which the lips' box is widened on each side: the lips open."""
_SPARE = 512 * 2**20
KEEP_DAYS = 60
"""As for analyses of faces."""


def folder_for(request: TrainRequest, digest: str) -> Path:
    """Where a dataset of this footage lives."""
    chosen = f"{request.side}-{request.face_rule}-{request.detector or 'builtin'}"
    safe = "".join(c if c.isalnum() or c in "-_" else "_" for c in chosen)
    return places.cache() / "training" / "synctalk2d" / f"{digest[:24]}-{safe}"


def forget_old(folder: Path) -> None:
    """Note that a dataset is used, and remove others that nobody has used for `KEEP_DAYS` days."""
    folder.touch()
    limit = time.time() - KEEP_DAYS * 86_400
    for other in folder.parent.iterdir():
        if other.is_dir() and other.stat().st_mtime < limit:
            shutil.rmtree(other, ignore_errors=True)


def usable_frames(analysed: AnalysedTarget) -> NDArray[np.int64]:
    """Frames that are learnt from: at most one for each tick of `RATE`, with a face that can be used."""
    index, strength = analysed.info.index, analysed.choice.strength
    ticks, chosen = set(), []
    for frame in np.flatnonzero(strength >= USABLE).tolist():
        tick = int(index.info(frame).time * RATE + Fraction(1, 2))
        if tick not in ticks:
            ticks.add(tick)
            chosen.append(frame)
    return np.array(chosen, np.int64)


def prepare(
    request: TrainRequest,
    analysed: AnalysedTarget,
    lead: Fraction,
    folder: Path,
    progress: Progress,
) -> Dataset:
    """Make the dataset, resume making it, or find it complete.

    Args:
        request: what is to be trained.
        analysed: the footage with its faces.
        lead: seconds from the first frame to the first sample.
        folder: of the dataset.
        progress: who listens.

    Raises:
        PluginUnavailable: the features cannot be made here.
        OutputError: the disk is full.
    """
    frames = usable_frames(analysed)
    folder.mkdir(parents=True, exist_ok=True)
    forget_old(folder)
    sound = _sound(request, analysed, lead, folder, progress)
    told = {"frames": frames.tolist(), "side": request.side}
    if dataset.read_meta(folder) != told:  # other frames than before: what is there is of no use
        for name in (dataset.CROPS, dataset.MOUTHS):
            (folder / name).unlink(missing_ok=True)
        dataset.write_meta(folder, told)
    _crops(request, analysed, frames, folder, progress)
    times = [analysed.info.index.info(k).time for k in frames.tolist()]
    return Dataset(folder, request.side, times, sound)


def _crops(
    request: TrainRequest,
    analysed: AnalysedTarget,
    frames: NDArray[np.int64],
    folder: Path,
    progress: Progress,
) -> None:
    """Write the crops that are missing, and their mouths."""
    size = crop_bytes(request.side)
    done = min(
        whole_rows(folder / dataset.CROPS, size),
        whole_rows(folder / dataset.MOUTHS, dataset.BOX_BYTES),
    )
    if done >= len(frames):
        return
    need = (len(frames) - done) * size + _SPARE
    if shutil.disk_usage(folder).free < need:
        raise OutputError(
            f"The crops of {request.footage.name} want {need / 1e9:.1f} GB in {folder}.",
            "Free some space, or name another folder with LIPSYNC_CACHE.",
        )
    progress.stage("cutting crops", len(frames))
    with (
        (folder / dataset.CROPS).open("ab") as crops,
        (folder / dataset.MOUTHS).open("ab") as boxes,
    ):
        crops.truncate(done * size)
        boxes.truncate(done * dataset.BOX_BYTES)
        for made in _cut(request, analysed, frames[done:]):
            crops.write(np.ascontiguousarray(made.images).tobytes())
            boxes.write(mouth_boxes(made).tobytes())
            crops.flush()
            boxes.flush()
            done += len(made)
            progress.advance(done)


def _cut(
    request: TrainRequest, analysed: AnalysedTarget, frames: NDArray[np.int64]
) -> Iterator[Crops]:
    """Crops of frames, a block at a time, each of one track."""
    if not len(frames):
        return
    spec, target = GENERATORS[request.side].crop, analysed.target
    wanted = set(frames.tolist())
    waiting: list[TargetFrame] = []
    for frame in target.walk(int(frames[0]), int(frames[-1]) + 1):
        if frame.number not in wanted or frame.face is None:
            continue
        held = waiting[0].face if waiting else None
        if held is not None and (held.track != frame.face.track or len(waiting) >= _BLOCK):
            placed = place_on(spec, target, waiting)
            yield placed.cut([canvas_for(f, n, [placed]) for n, f in enumerate(waiting)])
            waiting = []
        waiting.append(frame)
    if waiting:
        placed = place_on(spec, target, waiting)
        yield placed.cut([canvas_for(f, n, [placed]) for n, f in enumerate(waiting)])


def mouth_boxes(crops: Crops) -> NDArray[np.float32]:
    """`(N, 4)`: boxes around the lips, widened, inside the crop."""
    lips = crops.landmarks[:, _MOUTH, :2]
    low, high = lips.min(1), lips.max(1)
    room = _ROOM * (high - low)
    side = crops.images.shape[1]
    boxes: NDArray[np.float32] = np.concatenate([low - room, high + room], 1)
    return np.asarray(boxes.clip(0, side), np.float32)


def _sound(
    request: TrainRequest,
    analysed: AnalysedTarget,
    lead: Fraction,
    folder: Path,
    progress: Progress,
) -> FeatureFile:
    """Features of the footage's sound, from the cache or made now."""
    name = encoder_for(request.layout)
    registry = Registry.load()
    spec = registry.get(AudioEncoderSpec, name)
    context = context_for(spec, threads=request.threads)
    answer = probe(spec, context)
    if isinstance(answer, Unavailable):
        raise PluginUnavailable(
            f"The features '{request.features}' cannot be made here: {answer.reason}.",
            f"{answer.hint.rstrip('.')}; or train with --features viseme, which needs nothing.",
        )
    video = analysed.info.video
    clock = VARIABLE_RATE_CLOCK if video.variable_rate else video.frame_rate
    version = registry.row_of(spec).version
    path = folder / f"{name}-{version}-{request.offset_ms}.f32"
    if path.exists():
        return FeatureFile(path, spec.feature_shape, clock)
    shift = lead + Fraction(request.offset_ms, 1000)
    cursor = SoundCursor(request.footage, spec.sample_rate, shift)
    duration = analysed.info.duration
    progress.stage("encoding the voice", int(duration))
    with ExitStack() as resources:
        encoder = cast(AudioEncoder, opened(spec, context, resources))
        return encode(
            _blocks(cursor, int(duration * spec.sample_rate) + 1, spec.sample_rate),
            spec.sample_rate,
            duration,
            encoder.stream(spec.sample_rate, clock),
            spec.feature_shape,
            clock,
            path,
            f"The audio encoder '{name}'",
            lambda seconds: progress.advance(int(seconds)),
        )


def _blocks(cursor: SoundCursor, total: int, step: int) -> Iterator[Samples]:
    """The sound from the first frame on, a second at a time."""
    for begin in range(0, total, step):
        yield cursor.until(begin, min(total, begin + step))
