"""The blender `parsing`: the new lower face goes where skin and lips are, not over hands, hair or collars.

It works with any generator: the box in which MuseTalk masks is taken from the landmarks, and what the crop
does not reach stays as it is. Where no face is found in it, an ellipse is used instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from lipsync_core.contracts import Blender, Unavailable
from lipsync_core.errors import PluginUnavailable
from lipsync_core.faces.crops import invert
from lipsync_core.networks.quiet import wait_quietly
from lipsync_core.networks.recent import Recent, fingerprint
from lipsync_core.records import Patch
from lipsync_musetalk import face_shapes
from lipsync_musetalk.parsing_choice import Choice, choose
from lipsync_musetalk.spec import BRIDGE, JAW, PARSING

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipsync_core.contracts import OpenContext
    from lipsync_core.records import BlendInput, Image, Matrix, Points
    from lipsync_musetalk.face_shapes import Box, Mask
    from lipsync_musetalk.parsing_network import FaceParser

_RIM = 0.08
"""Share of a crop's side over which it fades, so that it never ends in a line."""
_LEAST = 0.05
"""Share of the lower half of the box that is skin or lips, or nothing was recognised."""
_KEPT = 256
"""Masks that are kept for frames that come again, as in a loop: 32 KiB each."""


class ParsingBlender(Blender):
    """See the module."""

    def __init__(self) -> None:
        self._chosen: Choice | None = None
        self._parser: FaceParser | None = None
        self._masks: Recent[NDArray[np.uint8]] = Recent(_KEPT)

    def open(self, context: OpenContext) -> None:
        """Load the network, where the mode needs one.

        Raises:
            PluginUnavailable: an option, packages, weights or the device are in the way.
            OutOfMemory: it does not fit.
        """
        chosen = choose(context)
        if isinstance(chosen, Unavailable):
            raise PluginUnavailable(
                f"The blender parsing cannot run: {chosen.reason}.", chosen.hint
            )
        self._chosen = chosen
        if chosen.weights is not None:
            wait_quietly()
            from lipsync_musetalk.parsing_network import FaceParser

            self._parser = FaceParser(chosen.weights, context.device, context.threads)

    def blend(self, given: BlendInput) -> Patch | None:
        """See `Blender.blend`; landmarks are iBUG's 68."""
        chosen = self.opened(self._chosen, PARSING.name)
        if given.strength <= 0:
            return None
        upright = given.matrix[0, 1] == 0 and given.matrix[1, 0] == 0
        if chosen.compat and upright:
            return self._as_there(given, chosen)
        return self._soft(given, chosen)

    def close(self) -> None:
        """Release the network and the masks."""
        if self._parser is not None:
            self._parser.close()
        self._parser = self._chosen = None
        self._masks.clear()

    def _soft(self, given: BlendInput, chosen: Choice) -> Patch | None:
        """Through the mask, fading towards the crop's edge."""
        frame, crop, matrix = given.frame, given.crop, given.matrix
        box = face_box(given.landmarks)
        if box is None:
            return None
        square = face_shapes.square_around(box)
        all_of_it = given.region in ("face", "crop")
        mask = self._mask(face_shapes.cut(frame, square, edge=True), box, square, all_of_it)
        kept = face_shapes.placed(mask, square, box, top=0.0 if all_of_it else 0.5)
        soft = face_shapes.blurred(kept, chosen.softness)
        rect = _reached(frame, crop, matrix, square, soft)
        if rect is None:
            return None
        x0, y0, x1, y1 = rect
        made, inside = _warped(crop, matrix, rect)
        share = soft[y0 - square[1] : y1 - square[1], x0 - square[0] : x1 - square[0]] / 255.0
        alpha = (share * inside * given.strength)[..., None].astype(np.float32)
        old = frame[y0:y1, x0:x1].astype(np.float32)
        mixed = np.clip(np.rint(old + (made.astype(np.float32) - old) * alpha), 0, 255)
        return Patch(x=x0, y=y0, image=mixed.astype(np.uint8))

    def _as_there(self, given: BlendInput, chosen: Choice) -> Patch | None:
        """The original's arithmetic: whole pixels, the crop's own box, no rim."""
        frame, crop, matrix, strength = given.frame, given.crop, given.matrix, given.strength
        box = _whole_box(crop, matrix)
        square = face_shapes.square_around(box)
        part = face_shapes.cut(frame, square)
        mask = self._mask(part, box, square, all_of_it=False)
        soft = face_shapes.blurred(face_shapes.placed(mask, square, box), chosen.softness)
        x0, y0 = max(box[0], 0), max(box[1], 0)
        x1, y1 = min(box[2], frame.shape[1]), min(box[3], frame.shape[0])
        if x1 <= x0 or y1 <= y0:
            return None
        face = np.asarray(cv2.resize(crop, (box[2] - box[0], box[3] - box[1])), np.uint8)
        made = face_shapes.pasted(frame, face, box, soft, square)[y0:y1, x0:x1]
        if strength < 1:
            under = frame[y0:y1, x0:x1]
            made = np.asarray(cv2.addWeighted(made, strength, under, 1.0 - strength, 0.0), np.uint8)
        return Patch(x=x0, y=y0, image=np.ascontiguousarray(made))

    def _mask(self, part: Image, box: Box, square: Box, all_of_it: bool) -> Mask:
        """`(512, 512)` for a square cut from a frame; repeated pictures are parsed once."""
        chosen = self.opened(self._chosen, PARSING.name)
        if self._parser is None:
            return face_shapes.ellipse(box, square)
        parser, mode, cheeks = self._parser, chosen.mode, chosen.cheeks

        def parsed() -> NDArray[np.uint8]:
            parts = parser(face_shapes.parsable(part))
            mask = face_shapes.whole(parts) if all_of_it else face_shapes.lower(parts, mode, cheeks)
            return np.packbits(mask > 127)

        bits = self._masks.remembered(fingerprint(part) + bytes([all_of_it]), parsed)
        side = face_shapes.SIDE
        found = np.unpackbits(bits).reshape(side, side) * np.uint8(255)
        if chosen.compat or _recognised(found, box, square):
            return found
        return face_shapes.ellipse(box, square)


def face_box(landmarks: Points) -> Box | None:
    """The box that MuseTalk masks in, in whole pixels; None where the landmarks span none.

    It ends where the picture does, as the crops do: so it is the same in every part of a frame that holds
    what the spec says the blender sees.
    """
    points = np.asarray(landmarks[:, :2], np.float64)
    (left, _), (right, bottom) = points.min(0), points.max(0)
    top = max(0.0, 2.0 * points[BRIDGE, 1] - bottom)
    bottom += JAW * (bottom - top)
    x1, y1, x2, y2 = (round(float(v)) for v in (left, top, right, bottom))
    return (x1, y1, x2, y2) if x2 - x1 > 1 and y2 - y1 > 1 else None


def _recognised(mask: Mask, box: Box, square: Box) -> bool:
    """Whether parsing found a face where the landmarks say that there is one."""
    scale = face_shapes.SIDE / (square[2] - square[0])
    x1, y1, x2, y2 = (round((v - square[n % 2]) * scale) for n, v in enumerate(box))
    lower = mask[(y1 + y2) // 2 : y2, x1:x2]
    return bool(lower.size) and float((lower > 127).mean()) >= _LEAST


def _reached(frame: Image, crop: Image, matrix: Matrix, square: Box, soft: Mask) -> Box | None:
    """The rectangle of the frame that both mask and crop reach; None when it is empty."""
    rows, columns = np.flatnonzero(soft.any(1)), np.flatnonzero(soft.any(0))
    if not len(rows):
        return None
    h, w = crop.shape[:2]
    back = invert(matrix)
    corners = np.array([[0, 0], [w - 1, 0], [0, h - 1], [w - 1, h - 1]], np.float64)
    seen = corners @ back[:, :2].T + back[:, 2]
    low, high = np.floor(seen.min(0)).astype(int), np.ceil(seen.max(0)).astype(int) + 1
    x0 = max(int(low[0]), square[0] + int(columns[0]), 0)
    y0 = max(int(low[1]), square[1] + int(rows[0]), 0)
    x1 = min(int(high[0]), square[0] + int(columns[-1]) + 1, frame.shape[1])
    y1 = min(int(high[1]), square[1] + int(rows[-1]) + 1, frame.shape[0])
    return (x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None


def _warped(crop: Image, matrix: Matrix, rect: Box) -> tuple[Image, NDArray[np.float32]]:
    """The crop in a rectangle of the frame, and how much of it counts: 1 inside, 0 at its edge and beyond."""
    h, w = crop.shape[:2]
    back = invert(matrix)
    back[:, 2] -= rect[:2]
    size = (rect[2] - rect[0], rect[3] - rect[1])
    rim = max(1, round(_RIM * min(h, w)))
    counts = np.minimum(_ramp(h, rim)[:, None], _ramp(w, rim)[None])
    inside = cv2.warpAffine(counts, back, size, flags=cv2.INTER_LINEAR)
    scale = float(np.sqrt(abs(np.linalg.det(back[:, :2]))))
    flag = cv2.INTER_CUBIC
    if scale < 1.0:  # warpAffine cannot average areas: blur by what a target pixel covers
        crop = np.asarray(cv2.GaussianBlur(crop, (0, 0), 0.5 / scale), np.uint8)
        flag = cv2.INTER_LINEAR
    made = cv2.warpAffine(crop, back, size, flags=flag, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(made, np.uint8), np.asarray(inside, np.float32)


def _ramp(length: int, rim: int) -> NDArray[np.float32]:
    """`(length,)`: rises from 0 to 1 over `rim` pixels at both ends."""
    at = np.arange(length, dtype=np.float32) + 0.5
    return np.asarray(np.clip(np.minimum(at, length - at) / rim, 0.0, 1.0), np.float32)


def _whole_box(crop: Image, matrix: Matrix) -> Box:
    """The crop's edges on the pixels of the frame that are nearest."""
    h, w = crop.shape[:2]
    back = invert(matrix)
    ends = np.array([[-0.5, -0.5], [w - 0.5, h - 0.5]]) @ back[:, :2].T + back[:, 2] + 0.5
    (x1, y1), (x2, y2) = np.rint(ends).astype(int).tolist()
    return x1, y1, max(x2, x1 + 1), max(y2, y1 + 1)
