"""What happens to a generated crop: blended into its frame, then improved by enhancers.

Blenders and enhancers are chosen by name and have no fallback: their errors end the run, name them, and are
never attributed to a generator.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from lipsync_core.contracts import Blender, Enhancer
from lipsync_core.engine.chain.failures import out_of_memory
from lipsync_core.errors import LipsyncError, OutOfMemory, PluginFault
from lipsync_core.faces.schemes import convert
from lipsync_core.records import BlendInput, Crops, Image, Matrix, Patch, Points, Scheme
from lipsync_core.specs import BlenderSpec, CropSpec, EnhancerSpec, Region
from lipsync_core.targets.canvas import Canvas
from lipsync_core.targets.placement import Placed

Given = TypeVar("Given")


@dataclass(frozen=True, slots=True, kw_only=True)
class Compositor:
    """The blender, and enhancers with their strengths.

    Attributes:
        blender: open.
        blender_spec: its spec.
        scheme: of the landmarks that are handed in.
        enhancers: open, each with its spec and strength 0..1, in their order.
        own: the generator's own blender, open, with its spec, for its crops alone; None: it has none.
    """

    blender: Blender
    blender_spec: BlenderSpec
    scheme: Scheme
    enhancers: tuple[tuple[Enhancer, EnhancerSpec, float], ...] = ()
    own: tuple[Blender, BlenderSpec] | None = None

    @property
    def crops(self) -> list[CropSpec]:
        """What each enhancer wants to see."""
        return [spec.crop for _, spec, _ in self.enhancers]

    @property
    def surroundings(self) -> list[CropSpec]:
        """What the blenders look at, where that may be more than the crops."""
        specs = [self.blender_spec, *([self.own[1]] if self.own else [])]
        return [spec.sees for spec in specs if spec.sees]

    def blend(
        self,
        canvas: Canvas,
        landmarks: Points,
        made: Image,
        matrix: Matrix,
        region: Region,
        strength: float,
        *,
        by_generator: bool = False,
    ) -> None:
        """Paint a crop into a frame.

        Args:
            canvas: the frame.
            landmarks: in frame pixels.
            made: the crop.
            matrix: 2x3, frame -> crop.
            region: what of the crop is new.
            strength: share of the crop in what is shown.
            by_generator: the generator made it: it goes through the generator's own blender, if it has one.

        Raises:
            PluginFault: the blender failed, or gave something else than its contract says.
        """
        blender, spec = self.blender, self.blender_spec
        if by_generator and self.own is not None:
            blender, spec = self.own
        points = canvas.points(convert(landmarks, self.scheme, spec.scheme))
        given = BlendInput(
            frame=canvas.image,
            crop=made,
            matrix=canvas.local(matrix),
            landmarks=points,
            region=region,
            strength=strength,
        )
        patch = _asked(spec, lambda: blender.blend(given))
        if patch is not None and not _is_patch(patch):
            raise _fault(spec, f"gave {_seen(patch)} instead of a patch or None")
        canvas.paste(patch)

    def enhance(
        self,
        canvases: Sequence[Canvas],
        landmarks: Sequence[Points],
        placed: Sequence[Placed],
        strengths: Sequence[float],
    ) -> None:
        """Improve frames, all in one call to each enhancer; one by one where that is too much memory.

        Args:
            canvases: the frames.
            landmarks: of each, in frame pixels.
            placed: where each enhancer's crops lie, over the same frames.
            strengths: how much of the new mouth each frame shows; frames with 0 are left alone.

        Raises:
            PluginFault: an enhancer failed, or gave something else than its contract says.
        """
        shown = [n for n, strength in enumerate(strengths) if strength > 0]
        if not shown:
            return
        for (enhancer, spec, share), where in zip(self.enhancers, placed, strict=True):
            crops = where.only(shown).cut([canvases[n] for n in shown])
            for n, image in zip(shown, _enhanced(enhancer, spec, crops), strict=True):
                self.blend(
                    canvases[n], landmarks[n], image, where.matrices[n], spec.region,
                    share * strengths[n],
                )  # fmt: skip


def _enhanced(enhancer: Enhancer, spec: EnhancerSpec, crops: Crops) -> NDArray[np.uint8]:
    try:
        made = _asked(spec, lambda: enhancer.enhance(crops))
    except OutOfMemory as error:
        if len(crops) == 1:
            raise PluginFault(
                f"The enhancer '{spec.name}' ran out of memory on a single face: {error.message}",
                f"Omit --enhance {spec.name}, or choose --device cpu.",
            ) from error
        return np.concatenate(
            [_enhanced(enhancer, spec, crops.only([n])) for n in range(len(crops))]
        )
    wanted = crops.images
    if not isinstance(made, np.ndarray) or made.shape != wanted.shape or made.dtype != wanted.dtype:
        raise _fault(spec, f"gave {_seen(made)} instead of uint8 {wanted.shape}")
    return made


def _asked(spec: EnhancerSpec | BlenderSpec, call: Callable[[], Given]) -> Given:
    try:
        return call()
    except LipsyncError:
        raise
    except Exception as error:
        if out_of_memory(error):
            raise OutOfMemory(f"out of memory: {error}") from error
        text = " ".join(str(error).split())[:300]
        raise _fault(spec, f"failed: {type(error).__name__}: {text}") from error


def _fault(spec: EnhancerSpec | BlenderSpec, what: str) -> PluginFault:
    option = f"--enhance {spec.name}" if spec.kind == "enhancer" else f"--blender {spec.name}"
    return PluginFault(
        f"The {spec.kind} '{spec.name}' {what}.",
        f"Omit {option}, or report this to the plugin's author.",
    )


def _is_patch(given: object) -> bool:
    if not isinstance(given, Patch) or not isinstance(given.image, np.ndarray):
        return False
    return given.image.dtype == np.uint8 and given.image.ndim == 3 and given.image.shape[2] == 3


def _seen(given: object) -> str:
    if isinstance(given, Patch):
        given = given.image
    if isinstance(given, np.ndarray):
        return f"{given.dtype} {given.shape}"
    return f"a {type(given).__name__}"
