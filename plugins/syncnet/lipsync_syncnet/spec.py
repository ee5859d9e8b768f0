"""What SyncNet declares. Facts from joonson/syncnet_python (as of 2020-03); no code is copied."""

from __future__ import annotations

from lipsync_core.specs import (
    BoxCrop,
    Licence,
    Margins,
    Measure,
    Requirement,
    ScorerSpec,
    WeightFile,
)

WEIGHTS_FILE = "syncnet_v2.model"
TERMS = "not stated by the publisher (Oxford VGG)"
SIDE = 224
"""Pixels of a crop."""
FRAMES = 5
"""Consecutive frames, at 25 a second, that one embedding is made of."""
COLUMNS = 20
"""MFCC columns of the same 0.2 s."""
WIDTH = 1024
"""Numbers of an embedding."""
SCALE = 0.4
"""The original's `crop_scale`, in halves of a box's side: added left and right, and twice as much below."""
LEAST = 50
"""Crops, 2 s: of fewer, shifts of 15 frames would compare more than a third of the mouths with nothing. The
original's own face tracks are longer than 100."""

CROP = BoxCrop(
    size=(SIDE, SIDE),
    margins=Margins(left=SCALE / 2, right=SCALE / 2, bottom=SCALE),
    square=True,
)
"""A square around the face that begins at its top: 1.4 times the box's longer side.

Of a box that is at least as high as wide it is the original's square. What differs: boxes come from the
engine's detector, not from S3FD, and are smoothed by the engine, not by a median of 13; of a box that is
wider than high the square lies higher (the original adds below by the longer side); it is cut at fractions
of pixels, and beyond the frame the edge is repeated, where the original cuts at whole pixels and sees grey;
and crops come from the decoded frames, which the original encodes anew (XVID, then JPEG).
"""

SYNCNET = ScorerSpec(
    name="syncnet",
    factory="lipsync_syncnet.scorer:SyncNetScorer",
    summary="SyncNet v2: LSE-C and LSE-D, the field's confidence and distance, and the voice's offset",
    licence=Licence(code="Apache-2.0", weights=TERMS, commercial=None),
    requires=(Requirement(module="torch", distribution="torch", minimum="2.6"),),
    weights=(
        WeightFile(
            path=WEIGHTS_FILE,
            licence=TERMS,
            origin="the address in download_model.sh of joonson/syncnet_python (Oxford VGG)",
            alternatives=(
                f"data/{WEIGHTS_FILE}",
                f"auxiliary/{WEIGHTS_FILE}",
                f"checkpoints/auxiliary/{WEIGHTS_FILE}",
            ),
            holds=(
                ("netcnnaud.0.weight", (64, 1, 3, 3)),
                ("netcnnlip.0.weight", (96, 3, 5, 7, 7)),
                ("netfcaud.3.weight", (1024, 512)),
                ("netfclip.3.weight", (1024, 512)),
            ),
        ),
    ),
    probe="lipsync_syncnet.availability:probe",
    devices=("cuda", "cpu"),
    homepage="https://github.com/joonson/syncnet_python",
    crop=CROP,
    measures=(
        Measure(
            key="lse_c",
            better="higher",
            help="LSE-C: by how much the distance at the best shift is below the median of the 31 shifts",
            optional=True,
        ),
        Measure(
            key="lse_d",
            better="lower",
            help="LSE-D: mean distance of five mouths and their 0.2 s of voice at the best shift",
            optional=True,
        ),
        Measure(
            key="offset",
            better="nearer to 0",
            help="by how many frames of 0.04 s the voice comes later than the mouth, -15 to 15 "
            "(syncnet_python prints it with the other sign)",
            optional=True,
        ),
    ),
    least=LEAST,
)
