"""Things before a mouth, drawn over a picture: a microphone, a hand, a mask, a cup, a scarf."""

from __future__ import annotations

import cv2
import numpy as np

KINDS = ("microphone", "hand", "mask", "cup", "scarf")
CLEAR, MOVES, HIDDEN = 0.45, 8, 0.8
"""`entering`: clear up to the first share of the frames, leaving after the last; in between it takes so many
frames to come and to go."""


def entering(frames: int, clear: float = CLEAR, hidden: float = HIDDEN) -> np.ndarray:
    """`(frames,)` how far in the thing is: 0 out of sight, 1 before the mouth."""
    n = np.arange(frames)
    come, go = (n - clear * frames) / MOVES, (hidden * frames - n) / MOVES
    return np.clip(np.minimum(come, go), 0, 1)


class Frame:
    """The axes of a face: places are counted from the mouth, in distances of the eyes."""

    def __init__(self, shape: tuple[int, ...], points: np.ndarray) -> None:
        left, right = points[36:42, :2].mean(0), points[42:48, :2].mean(0)
        self.eyes = float(np.linalg.norm(right - left))
        self.across = (right - left) / self.eyes
        self.down = np.array([-self.across[1], self.across[0]])
        self.mouth = (points[48, :2] + points[54, :2]) / 2
        self.y, self.x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float64)
        self.mask = np.zeros(shape[:2], np.float32)

    def at(self, x: float, y: float) -> np.ndarray:
        return self.mouth + self.eyes * (x * self.across + y * self.down)

    def along(self, axis: np.ndarray) -> np.ndarray:
        """For each pixel, its distance from the mouth along an axis."""
        away = (self.x - self.mouth[0]) * axis[0] + (self.y - self.mouth[1]) * axis[1]
        return away / self.eyes

    def polygon(self, *places: tuple[float, float]) -> None:
        corners = np.round(np.array([self.at(*p) for p in places]) * 16).astype(np.int32)
        cv2.fillPoly(self.mask, [corners], 1.0, cv2.LINE_AA, 4)


def cover(
    image: np.ndarray, points: np.ndarray, kind: str, entered: float
) -> tuple[np.ndarray, float]:
    """Draw a thing.

    Args:
        image: `(H, W, 3)` RGB.
        points: `(68, 2 or 3)` of the face.
        kind: one of `KINDS`.
        entered: 0..1.

    Returns:
        A new picture, and the share of the lips that is hidden.
    """
    if entered <= 0:
        return image, 0.0
    frame = Frame(image.shape, points)
    colour = _DRAWN[kind](frame, 1.0 - entered, image, points)
    lips = np.zeros(image.shape[:2], np.uint8)
    cv2.fillConvexPoly(lips, cv2.convexHull(np.round(points[48:60, :2]).astype(np.int32))[:, 0], 1)
    hidden = float((frame.mask * lips).sum() / max(int(lips.sum()), 1))
    soft = cv2.GaussianBlur(frame.mask, (0, 0), max(0.6, 0.02 * frame.eyes))[..., None]
    return np.clip(np.rint(image * (1 - soft) + colour * soft), 0, 255).astype(np.uint8), hidden


def _microphone(f: Frame, out: float, image: np.ndarray, points: np.ndarray) -> np.ndarray:
    x, y = -0.15 - 1.6 * out, 0.15 + 1.6 * out
    centre = f.at(x, y)
    cv2.circle(
        f.mask,
        np.round(centre * 16).astype(int).tolist(),
        int(0.48 * f.eyes * 16),
        1.0,
        -1,
        cv2.LINE_AA,
        4,
    )
    f.polygon((x - 0.2, y - 0.2), (x + 0.2, y + 0.2), (x - 0.8, y + 1.9), (x - 1.2, y + 1.6))
    shine = np.exp(-(((f.x - centre[0]) ** 2 + (f.y - centre[1]) ** 2) / (0.25 * f.eyes) ** 2))
    mesh = np.sin(f.x * 2 * np.pi / max(3, 0.09 * f.eyes)) * np.sin(
        f.y * 2 * np.pi / max(3, 0.09 * f.eyes)
    )
    return np.repeat((45 + 45 * shine + 12 * mesh)[..., None], 3, 2)


def _hand(f: Frame, out: float, image: np.ndarray, points: np.ndarray) -> np.ndarray:
    x, y = np.round((points[2, :2] + points[31, :2]) / 2).astype(int)
    r = max(2, int(0.1 * f.eyes))
    skin = image[y - r : y + r + 1, x - r : x + r + 1].reshape(-1, 3).mean(0) * 0.92
    shade = np.ones(image.shape[:2])
    for finger in range(4):
        level = -0.45 + 0.3 * finger + 2.2 * out
        ends = [np.round(f.at(*p)).astype(int).tolist() for p in ((-1.1, level), (0.7, level))]
        cv2.line(f.mask, *ends, 1.0, max(2, int(0.27 * f.eyes)), cv2.LINE_AA)
        off = np.abs(f.along(f.down) - level) / 0.15
        shade = np.where(off < 1.1, np.clip(1 - 0.45 * np.clip(off - 0.35, 0, 1), 0.5, 1), shade)
    f.polygon(
        *((x, y + 2.2 * out) for x, y in ((-1.1, -0.6), (-0.5, -0.6), (-0.5, 0.7), (-1.1, 0.7)))
    )
    return skin * shade[..., None]


def _mask(f: Frame, out: float, image: np.ndarray, points: np.ndarray) -> np.ndarray:
    half = ((0.95, -0.55), (0.8, 0.4), (0.35, 0.95))
    left = [(-x, y) for x, y in reversed(half)]
    f.polygon(*((x, y + 2 * out) for x, y in ((0.0, -0.95), *half, *left)))
    return np.array([150, 190, 215]) * (0.92 + 0.08 * np.sin(f.along(f.down) * 16))[..., None]


def _cup(f: Frame, out: float, image: np.ndarray, points: np.ndarray) -> np.ndarray:
    f.polygon(
        *((x, y + 2.4 * out) for x, y in ((-0.55, -0.25), (0.55, -0.25), (0.45, 1.1), (-0.45, 1.1)))
    )
    round_ = 1 - 0.35 * np.clip(np.abs(f.along(f.across)) / 0.55, 0, 1) ** 2
    return np.array([225, 220, 210]) * round_[..., None]


def _scarf(f: Frame, out: float, image: np.ndarray, points: np.ndarray) -> np.ndarray:
    f.polygon(
        *(
            (x, y + 1.8 * out)
            for x, y in ((-1.2, -0.4), (0, -0.3), (1.2, -0.4), (1.2, 1.6), (-1.2, 1.6))
        )
    )
    stripes = np.sin((f.x + f.y) * 2 * np.pi / max(4, 0.3 * f.eyes)) > 0
    return np.where(stripes[..., None], np.array([150, 30, 35]), np.array([60, 50, 90])).astype(
        float
    )


_DRAWN = {"microphone": _microphone, "hand": _hand, "mask": _mask, "cup": _cup, "scarf": _scarf}
