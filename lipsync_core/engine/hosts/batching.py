"""Several chunks as one: frames of different callers go through a network together, and come back apart."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lipsync_core.contracts import Generator
from lipsync_core.records import Chunk, Crops, Generated
from lipsync_core.specs import GeneratorSpec


def can_share(spec: GeneratorSpec) -> bool:
    """Whether frames of different faces may go into one call.

    They may where frames are independent of each other and nothing is prepared for a whole track.
    """
    return spec.chunk.batches and spec.prepare.scope != "track"


def alike(one: Chunk, other: Chunk) -> bool:
    """Whether two chunks have crops, features and prepared arrays of the same form."""
    return _form(one) == _form(other)


def joined(chunks: Sequence[Chunk]) -> Chunk:
    """All frames of chunks that are alike, in order, as those of the first one's track."""
    first = chunks[0].crops
    return Chunk(
        crops=Crops(
            frames=np.concatenate([c.crops.frames for c in chunks]),
            track=first.track,
            images=np.concatenate([c.crops.images for c in chunks]),
            matrices=np.concatenate([c.crops.matrices for c in chunks]),
            landmarks=np.concatenate([c.crops.landmarks for c in chunks]),
            scheme=first.scheme,
        ),
        features=np.concatenate([c.features for c in chunks]),
        strength=np.concatenate([c.strength for c in chunks]),
        prepared={
            name: np.concatenate([np.asarray(c.prepared[name]) for c in chunks])
            for name in chunks[0].prepared
        },
    )


def apart(made: object, chunks: Sequence[Chunk]) -> list[object]:
    """What was generated for chunks together, for each of them.

    Whoever asked checks its own part, so whatever is no array of as many frames goes to all as it is.
    """
    images, note = (made.images, made.note) if isinstance(made, Generated) else (made, "")
    sizes = [len(chunk) for chunk in chunks]
    if not isinstance(images, np.ndarray) or images.ndim == 0 or len(images) != sum(sizes):
        return [made] * len(chunks)
    ends = list(itertools.accumulate(sizes))
    parts = [images[end - size : end] for size, end in zip(sizes, ends, strict=True)]
    return [Generated(images=part, note=note) if note else part for part in parts]


def _form(chunk: Chunk) -> tuple[object, ...]:
    arrays: dict[str, NDArray[np.generic]] = {
        "images": chunk.crops.images,
        "landmarks": chunk.crops.landmarks,
        "features": chunk.features,
        **{f"prepared {name}": np.asarray(value) for name, value in chunk.prepared.items()},
    }
    return chunk.crops.scheme, *((k, a.shape[1:], a.dtype) for k, a in sorted(arrays.items()))


def together(generator: Generator, chunks: Sequence[Chunk]) -> list[object]:
    """Results or errors of chunks that are alike, made in one call.

    Where that call fails each chunk is tried alone, so that no caller fails for another's frames.
    """
    if len(chunks) > 1:
        try:
            return apart(generator.generate(joined(chunks)), chunks)
        except Exception:  # noqa: BLE001 - each has its own try below
            pass
    return [_alone(generator, chunk) for chunk in chunks]


def _alone(generator: Generator, chunk: Chunk) -> object:
    try:
        return generator.generate(chunk)
    except BaseException as error:  # noqa: BLE001 - raised where the chunk came from
        return error
