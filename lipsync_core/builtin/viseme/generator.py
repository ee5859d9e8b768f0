"""The embedded default generator: warps mouth and jaw of the picture itself and paints the inside.

No network: eight articulation values a frame move a neutral face, and the picture follows. Good to
about 30 degrees of yaw; the engine's `strength` fades it out beyond.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import ThreadpoolController

from lipsync_core.builtin.viseme import canonical as neutral_face
from lipsync_core.builtin.viseme import folds, layers, own_teeth, streaks, teeth, tone
from lipsync_core.builtin.viseme.interior import Interior
from lipsync_core.builtin.viseme.person_scale import person_scale
from lipsync_core.builtin.viseme.pose import JAW, LOW, PUCKER, UP, WIDE, PoseModel, fit, targets
from lipsync_core.builtin.viseme.targets import CURVES, VISEMES
from lipsync_core.builtin.viseme.topology import MESH
from lipsync_core.contracts import Generator
from lipsync_core.errors import PluginFault

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from numpy.typing import NDArray

    from lipsync_core.contracts import OpenContext
    from lipsync_core.records import Chunk, Crops, Image, Prepared

FEATURES = len(VISEMES) + len(CURVES)
PREPARED = ("mesh", "figures", "colours", "teeth")
"""Names of the arrays that `prepare` makes."""
SMALLEST_SCALE = 6.0
"""Eye distance in pixels below which there is no mouth to move."""
RESOLUTIONS = (40.0, 80.0, 160.0, 320.0)
"""Pixels per eye distance that the inside of the mouth is made at."""
MOVING = [JAW, WIDE, PUCKER, UP, LOW]
"""The curves that open and shape the mouth; closures are as closed for everyone."""
LARGE = 160.0
"""Tracks from this resolution on are resampled linearly: their detail is wider than a pixel."""


class Person:
    """What `generate` needs of one track, made from the prepared arrays."""

    def __init__(self, prepared: Prepared) -> None:
        mesh = np.asarray(prepared["mesh"], np.float64)
        smile, opening, white, resolution, opens, widens = (
            float(v) for v in np.asarray(prepared["figures"], np.float64)
        )
        self.canonical = neutral_face.measure(mesh, smile, opening)
        self.model = PoseModel(self.canonical)
        self.scale = np.ones(len(CURVES))
        self.scale[[JAW, UP, LOW]] = opens
        self.scale[[WIDE, PUCKER]] = widens
        tint, skin, lips = np.asarray(prepared["colours"], np.float64)
        self.light = tone.Light(tint, skin, lips, white)
        sheet = teeth.Sheet(self.canonical, resolution)
        # A whole track is resampled in one way, or its sharpness would change with its size.
        self.sharp = resolution < LARGE
        self.interior = Interior(sheet, self.light, np.asarray(prepared["teeth"], np.uint8))


class VisemeGenerator(Generator):
    """Warp of the crop by articulation values; see the module."""

    def __init__(self) -> None:
        self._threads: ThreadpoolController | None = None
        self._person: tuple[bytes, Person] | None = None
        self._articulation = 1.0

    def open(self, context: OpenContext) -> None:
        """Nothing to load; finds the BLAS whose threads must be held back."""
        self._threads = ThreadpoolController()
        self._articulation = float(context.options.get("articulation", 1.0))

    def close(self) -> None:
        """Forget the last person."""
        self._threads = None
        self._person = None

    def prepare(self, crops: Crops) -> Prepared:
        """The neutral face, the light and the teeth of one track."""
        with self._one_thread():
            landmarks = np.asarray(crops.landmarks, np.float64)
            canonical = neutral_face.neutral(landmarks)
            light = tone.read(crops.images, landmarks)
            scale = float(np.median(neutral_face.eye_distance(landmarks)))
            resolution = min(RESOLUTIONS, key=lambda r: abs(np.log(r / (1.2 * scale))))
            sheet = teeth.Sheet(canonical, resolution)
            own = own_teeth.harvest(crops.images, landmarks, canonical, light, sheet)
            texture = own if own is not None else teeth.tinted(teeth.bundled(), light)
        return {
            "mesh": canonical.mesh.astype(np.float32),
            "figures": np.array(
                [
                    *(canonical.smile, canonical.opening, light.teeth, resolution),
                    *person_scale(crops.mouth),
                ],
                np.float32,
            ),
            "colours": np.stack([light.tint, light.skin, light.lips]).astype(np.float32),
            "teeth": texture,
        }

    def generate(self, chunk: Chunk) -> NDArray[np.uint8]:
        """The crops with the new mouth; see the contract."""
        if chunk.features.shape[1:] != (FEATURES,):
            raise PluginFault(
                f"The generator viseme wants {FEATURES} features a frame, "
                f"got {chunk.features.shape[1:]}.",
                "Use the audio encoder viseme.",
            )
        person = self._person_of(chunk.prepared)
        out = chunk.crops.images.copy()
        gains = person.scale.copy()
        gains[MOVING] *= self._articulation
        with self._one_thread():
            for i, image in enumerate(out):
                strength = float(np.clip(chunk.strength[i], 0, 1))
                values = np.asarray(chunk.features[i, len(VISEMES) :], np.float64) * gains
                points = np.asarray(chunk.crops.landmarks[i, :MESH, :2], np.float64)
                if strength > 0 and np.isfinite(points).all() and np.isfinite(values).all():
                    _speak(image, points, person, values, strength)
        return out

    def _person_of(self, prepared: Prepared) -> Person:
        if any(name not in prepared for name in PREPARED):
            raise PluginFault("The generator viseme was not given what it prepared for this track.")
        # Chunks may carry copies of what was prepared, so its content is the key.
        key = b"".join(
            zlib.crc32(np.asarray(prepared[name]).tobytes()).to_bytes(4) for name in PREPARED
        )
        if self._person is None or self._person[0] != key:
            self._person = (key, Person(prepared))
        return self._person[1]

    def _one_thread(self) -> AbstractContextManager[object]:
        # BLAS threads spin after each small solve: 10 ms of work became 86 ms of CPU time.
        controller = self._threads or ThreadpoolController()
        limited: AbstractContextManager[object] = controller.limit(limits=1, user_api="blas")
        return limited


def _speak(
    image: Image,
    points: NDArray[np.float64],
    person: Person,
    values: NDArray[np.float64],
    strength: float,
) -> None:
    """Give one crop its new mouth, in place."""
    pose = fit(person.model.neutral, points)
    scale = float(np.sqrt(abs(np.linalg.det(pose[:2]))))
    if scale < SMALLEST_SCALE:
        return
    goal = targets(person.model, points, pose, values)
    goal = points + strength * (goal - points)
    opening = neutral_face.lip_gap(points) / scale
    pulled = strength * layers.pull(opening)
    fetched = layers.sources(points, pulled)
    gain = person.light.gain(image, points)
    moved = layers.move(image, points, fetched, goal, scale, pulled, sharp=person.sharp)
    if moved is None:
        return
    region = moved.region
    corner = np.array([region.x0, region.y0])
    streaks.soften(moved.image, fetched - corner, moved.goal, scale)
    folds.flatten(moved.image, moved.goal, scale, strength * person.canonical.smile)
    local = pose.copy()
    local[3] -= corner
    person.interior.paint(moved, local, values, strength, gain)
    image[region.y0 : region.y1, region.x0 : region.x1] = moved.image
