"""Cases for generators: same count and size, no memory of earlier calls, storable preparation."""

from __future__ import annotations

import io
import pickle
from dataclasses import replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from lipsync_core.conformance import inputs
from lipsync_core.conformance.bench import Bench
from lipsync_core.conformance.case import Case
from lipsync_core.conformance.verdict import NotApplicable, demand, demand_array, demand_pictures
from lipsync_core.contracts import Generator
from lipsync_core.records import Chunk, Crops, Generated, Prepared
from lipsync_core.specs import AudioEncoderSpec, GeneratorSpec

_CLOSE = 0.01
"""Share of the largest number by which a row may differ when its crop is prepared alone."""
_MOVING = 12
"""Frames in which speech surely moves a mouth."""
_SAME = 2
"""Levels by which pixels may differ between one large call and several small ones (matrix products of
other sizes round differently)."""


def _spec(bench: Bench) -> GeneratorSpec:
    return cast(GeneratorSpec, bench.spec)


def _encoder(bench: Bench) -> AudioEncoderSpec:
    return bench.registry.get(AudioEncoderSpec, _spec(bench).audio_encoder)


def _open(bench: Bench) -> Generator:
    return cast(Generator, bench.shared())


def _prepared(bench: Bench, generator: Generator, crops: Crops) -> Prepared:
    """As the engine calls it: once per track, for every frame, or never."""
    scope, samples = _spec(bench).prepare.scope, _spec(bench).prepare.samples
    if scope == "none":
        return {}
    representative = inputs.crops(_spec(bench).crop, min(samples, 6)) if scope == "track" else crops
    return generator.prepare(representative)


def _speech(bench: Bench, count: int) -> NDArray[np.float32]:
    """The first rows of the bundled voice; its encoder, which may be slow, encodes it once."""
    most = max(_MOVING, _spec(bench).chunk.frames)
    rows = bench.kept("speech", lambda: inputs.speech_rows(_encoder(bench), most))
    return rows[:count].copy()


def _chunk(bench: Bench, generator: Generator, crops: Crops, strength: float = 1.0) -> Chunk:
    rows = _speech(bench, len(crops))
    return inputs.chunk(crops, rows, _prepared(bench, generator, crops), strength)


def _made(generator: Generator, chunk: Chunk) -> NDArray[np.uint8]:
    made = generator.generate(chunk)
    images = made.images if isinstance(made, Generated) else made
    return demand_pictures(images, chunk.crops.images, "what generate returned")


def count_and_size(bench: Bench) -> None:
    """A single frame, a full chunk and a remainder all come back as they went in."""
    generator, most = _open(bench), _spec(bench).chunk.frames
    for count in sorted({1, most, max(1, most - 3)}):
        _made(generator, _chunk(bench, generator, inputs.crops(_spec(bench).crop, count)))


def keeps_inputs(bench: Bench) -> None:
    """The engine owns the arrays of the chunk, so they stay unchanged."""
    generator = _open(bench)
    chunk = _chunk(bench, generator, inputs.crops(_spec(bench).crop, 2))
    crops = chunk.crops
    arrays: dict[str, NDArray[np.generic]] = {
        "crops.images": crops.images,
        "crops.landmarks": crops.landmarks,
        "crops.matrices": crops.matrices,
        "crops.frames": crops.frames,
        "features": chunk.features,
        "strength": chunk.strength,
        **{f"prepared['{name}']": np.asarray(array) for name, array in chunk.prepared.items()},
    }
    before = {name: array.copy() for name, array in arrays.items()}
    _made(generator, chunk)
    for name, array in arrays.items():
        demand(
            np.array_equal(array, before[name], equal_nan=array.dtype.kind == "f"),
            f"generate changed chunk.{name}: work on a copy, the engine uses it again.",
        )


def forgets(bench: Bench) -> None:
    """The same chunk before and after another gives the same."""
    generator = _open(bench)
    crops = inputs.crops(_spec(bench).crop, 4)
    prepared = _prepared(bench, generator, crops)
    per_frame = _spec(bench).prepare.scope == "frame"
    rows = _speech(bench, 4)
    first, other = (
        inputs.chunk(
            inputs.piece(crops, a, a + 2),
            rows[a : a + 2],
            {k: v[a : a + 2] for k, v in prepared.items()} if per_frame else prepared,
        )
        for a in (0, 2)
    )
    before = _made(generator, first).copy()
    _made(generator, other)
    demand(
        np.array_equal(_made(generator, first), before),
        "the same chunk gave other pixels after another chunk: keep no state between calls (seed what "
        "is random from the context and the frame numbers), or runs cannot be resumed.",
    )


def repeats(bench: Bench) -> None:
    """Two objects opened alike give the same pixels, where the spec says deterministic."""
    if not _spec(bench).deterministic:
        raise NotApplicable("it declares deterministic=False")
    results = []
    for generator in (_open(bench), cast(Generator, bench.fresh())):
        chunk = _chunk(bench, generator, inputs.crops(_spec(bench).crop, 2))
        results.append(_made(generator, chunk).copy())
    demand(
        np.array_equal(results[0], results[1]),
        "two objects opened alike gave different pixels: seed what is random with context.seed, or "
        "declare deterministic=False.",
    )


def any_split(bench: Bench) -> None:
    """One call with four frames gives what four calls give, where frames are independent."""
    if not _spec(bench).chunk.batches or _spec(bench).chunk.frames < 4:
        raise NotApplicable("its chunks are not free to be split")
    generator = _open(bench)
    chunk = _chunk(bench, generator, inputs.crops(_spec(bench).crop, 4))
    per_frame = _spec(bench).prepare.scope == "frame"
    whole = _made(generator, chunk).astype(int)
    for k in range(4):
        part = inputs.chunk(
            inputs.piece(chunk.crops, k, k + 1),
            chunk.features[k : k + 1],
            {n: v[k : k + 1] for n, v in chunk.prepared.items()} if per_frame else chunk.prepared,
        )
        demand(
            np.abs(_made(generator, part).astype(int) - whole[k]).max() <= _SAME,
            f"frame {k} looks different alone than in a chunk of 4: do not mix frames, or declare "
            "ChunkSpec(batches=False).",
        )


def moves_the_mouth(bench: Bench) -> None:
    """Speech gives another picture than no features at all."""
    generator = _open(bench)
    count = min(_MOVING, _spec(bench).chunk.frames)
    chunk = _chunk(bench, generator, inputs.crops(_spec(bench).crop, count))
    still = replace(chunk, features=np.zeros_like(chunk.features))
    apart = np.abs(_made(generator, chunk).astype(int) - _made(generator, still).astype(int))
    demand(
        apart.max() > 8,
        "speech and rows of zeros give the same picture: let the mouth follow chunk.features.",
    )


def rests(bench: Bench) -> None:
    """Rows of silence and, where they mean rest, rows of zeros are generated like any others."""
    generator, encoder = _open(bench), _encoder(bench)
    crops = inputs.crops(_spec(bench).crop, 2)
    prepared = _prepared(bench, generator, crops)
    rows = [inputs.silent_rows(encoder, 2)]
    if encoder.zero_is_rest:
        rows.append(np.zeros((2, *encoder.feature_shape), np.float32))
    for features in rows:
        _made(generator, inputs.chunk(crops, features, prepared))


def cut_off(bench: Bench) -> None:
    """A face whose chin is below the edge of the picture is no reason to fail."""
    generator = _open(bench)
    crops = inputs.cut_off_crops(_spec(bench).crop, 2)
    rows = _speech(bench, 2)
    outside = replace(crops, landmarks=crops.landmarks + np.float32(crops.images.shape[1] // 3))
    for shown in (crops, outside):
        prepared = _prepared(bench, generator, shown)
        _made(generator, inputs.chunk(shown, rows, prepared))


def fades(bench: Bench) -> None:
    """With strength 0 the crop comes back as it was, where the spec says that it fades."""
    generator = _open(bench)
    if not _spec(bench).fades:
        raise NotApplicable("it declares fades=False: the blender fades for it")
    chunk = _chunk(bench, generator, inputs.crops(_spec(bench).crop, 2), strength=0.0)
    demand(
        np.array_equal(_made(generator, chunk), chunk.crops.images),
        "with strength 0 the crop is not what came in: give the input crop back there, or declare "
        "fades=False.",
    )


def stores_preparation(bench: Bench) -> None:
    """What prepare made is named arrays; after a round trip through a file the pixels are the same."""
    scope = _spec(bench).prepare.scope
    if scope == "none":
        raise NotApplicable("it declares no preparation")
    generator = _open(bench)
    crops = inputs.crops(_spec(bench).crop, 3)
    prepared = _prepared(bench, generator, crops)
    for name, value in prepared.items():
        array = demand_array(value, f"prepare's '{name}'")
        demand(
            array.dtype.kind in "biufcSU",
            f"prepare's '{name}' has dtype {array.dtype}: store numbers or strings, not objects.",
        )
        demand(
            scope != "frame" or len(array) == len(crops),
            f"prepare's '{name}' has {len(array) if array.ndim else 0} rows for {len(crops)} crops: with "
            "scope 'frame' give one row for each.",
        )
    if scope == "frame":
        _prepares_alone(generator, crops)
    pickle.dumps(dict(prepared))
    file = io.BytesIO()
    np.savez(file, **{name: np.asarray(value) for name, value in prepared.items()})  # type: ignore[arg-type]
    file.seek(0)
    with np.load(file, allow_pickle=False) as loaded:
        stored = {name: loaded[name] for name in loaded.files}
    rows = _speech(bench, 3)
    before = _made(generator, inputs.chunk(crops, rows, prepared)).copy()
    other = cast(Generator, bench.fresh()) if _spec(bench).deterministic else generator
    after = _made(other, inputs.chunk(crops, rows, stored))
    demand(
        np.array_equal(before, after) or not _spec(bench).deterministic,
        "with its preparation stored and loaded, a new object gives other pixels: put everything that "
        "generate needs of the target into prepare's arrays.",
    )


def _prepares_alone(generator: Generator, crops: Crops) -> None:
    """A row does not depend on the crops beside it: the engine keeps rows one by one."""
    others = crops.images.copy()
    others[0] = 255 - others[0]
    prepared = generator.prepare(replace(crops, images=others))
    alone = generator.prepare(inputs.piece(crops, 1, 2))
    for name, value in prepared.items():
        one, among = np.asarray(alone[name])[0], np.asarray(value)[1]
        same = np.array_equal(one, among)
        if not same and among.dtype.kind in "fc":  # sums of other sizes round differently
            same = np.allclose(one, among, atol=_CLOSE * float(np.abs(among).max()), equal_nan=True)
        demand(
            same,
            f"prepare's '{name}' has another row for a crop alone than among others: make each row from its "
            "own crop, or prepare per track.",
        )


CASES: tuple[Case, ...] = (
    Case(name="gives as many crops as it gets, same size", run=count_and_size),
    Case(name="leaves its inputs as they are", run=keeps_inputs),
    Case(name="forgets earlier calls", run=forgets),
    Case(name="repeats itself in another object", run=repeats),
    Case(name="does not mind how frames are split", run=any_split),
    Case(name="moves the mouth with the sound", run=moves_the_mouth),
    Case(name="draws silence too", run=rests),
    Case(name="bears a face that is cut off", run=cut_off),
    Case(name="fades to nothing", run=fades),
    Case(name="prepares arrays that can be stored", run=stores_preparation),
)
