"""What the embedded default generator declares. Imports nothing but the contract's data."""

from __future__ import annotations

from lipsync_core.specs import (
    ChunkSpec,
    GeneratorSpec,
    Licence,
    Margins,
    NativeCrop,
    Option,
    PrepareSpec,
    Requirement,
)

VISEME = GeneratorSpec(
    name="viseme",
    factory="lipsync_core.builtin.viseme.generator:VisemeGenerator",
    summary="moves mouth and jaw of the picture itself; any face, CPU in real time, no download",
    licence=Licence(
        code="Apache-2.0", weights="Apache-2.0 (trained by this project)", commercial=True
    ),
    requires=(
        Requirement(module="cv2", distribution="opencv-python", minimum="4.10"),
        Requirement(module="threadpoolctl", distribution="threadpoolctl", minimum="3.5"),
    ),
    options=(
        Option(
            key="articulation",
            default=1.0,
            minimum=0.5,
            maximum=2.0,
            help="how far mouth and jaw move; 1: as far as most people's, or as the person's in the target",
        ),
    ),
    # The displacement has run out 0.22 eye distances beside and 0.5 below the face (layers.py);
    # a face is about 2.1 eye distances wide and 2.5 high.
    crop=NativeCrop(margins=Margins(left=0.12, top=0.02, right=0.12, bottom=0.24)),
    audio_encoder="viseme",
    chunk=ChunkSpec(frames=16),
    prepare=PrepareSpec(scope="track", samples=40),
    region="crop",
    fades=True,
    streams=True,
    deterministic=True,
)
