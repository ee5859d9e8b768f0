"""The blender `quadrilateral`: the whole crop goes into the frame through LatentSync's soft mask.

The compat mode of the generators is pasted with it. Soft masks around the mouth alone leave more as it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lipsync_core.contracts import Blender
from lipsync_core.records import Patch

if TYPE_CHECKING:
    from lipsync_core.contracts import OpenContext
    from lipsync_core.records import BlendInput


class QuadrilateralBlender(Blender):
    """See the module."""

    def open(self, context: OpenContext) -> None:
        """Nothing to load."""

    def blend(self, given: BlendInput) -> Patch | None:
        """See `Blender.blend`; landmarks and region make no difference."""
        frame, crop, strength = given.frame, given.crop, given.strength
        if strength <= 0:
            return None
        from lipsync_latentsync import compat_affine, pictures

        face = pictures.normalised(crop[None])[0]
        made = compat_affine.restored(frame, face, np.asarray(given.matrix, np.float32))
        if strength < 1:
            under = frame.astype(np.float32)
            made = np.rint(under + (made - under) * np.float32(strength)).astype(np.uint8)
        changed = (
            np.flatnonzero((made != frame).any((1, 2))),
            np.flatnonzero((made != frame).any((0, 2))),
        )
        if not len(changed[0]):
            return None
        (y0, y1), (x0, x1) = ((int(at[0]), int(at[-1]) + 1) for at in changed)
        return Patch(x=x0, y=y0, image=np.ascontiguousarray(made[y0:y1, x0:x1]))
