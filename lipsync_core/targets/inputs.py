"""From the two input files to everything that must be known before rendering."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from lipsync_core.errors import UnsupportedInput, UsageError
from lipsync_core.faces.selection import FaceRule, choose
from lipsync_core.media.conform import Form, conform, conformed_format
from lipsync_core.media.edits import Edit, EditList, is_edit_list, read_edits
from lipsync_core.media.formats import VideoFormat
from lipsync_core.media.probe import SoundInfo, TargetInfo, probe_sound, probe_target
from lipsync_core.media.schedule import Schedule, make_schedule
from lipsync_core.registry.resolving import Resolved
from lipsync_core.requests import RunRequest, TargetRequest
from lipsync_core.running.cancellation import NEVER, CancelToken
from lipsync_core.running.progress import Progress
from lipsync_core.running.stopwatch import Stopwatch
from lipsync_core.specs import DetectorSpec
from lipsync_core.targets.analysis import analyse_target, find_faces
from lipsync_core.targets.digests import content_hash, target_hash
from lipsync_core.targets.edited import Clip, EditedTarget
from lipsync_core.targets.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The target's file or files, in numbers.

    Attributes:
        path: file, folder or edit list.
        kind: "video", "picture" or "clips".
        codec: FFmpeg's name of the video codec; of clips, all of them.
        video: size, clock and colour of the pictures.
        frames: how many there are.
        duration: seconds.
        digest: of the content.
        track: which of the file's video streams is shown, from 0.
        tracks: how many there are.
        notes: sentences on what is unusual about it, for the user.
    """

    path: Path
    kind: str
    codec: str
    video: VideoFormat
    frames: int
    duration: Fraction
    digest: str
    track: int = 0
    tracks: int = 1
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Everything known about both inputs before anything is rendered.

    Attributes:
        source: the target's file.
        detector: name of the detector.
        cached: all faces were known already; nothing was detected.
        tracks: number of faces followed.
        shots: number of shots of the source.
        schedule: times of the output frames.
        target: output frames with their faces.
        sound: of the voice file.
        audio_hash: digest of its content.
    """

    source: Source
    detector: str
    cached: bool
    tracks: int
    shots: int
    schedule: Schedule
    target: Target
    sound: SoundInfo
    audio_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """Both inputs, looked at without decoding a frame.

    Attributes:
        info: of the target; None for an edit list.
        edits: the edit list, fitted to the audio; None for any other target.
        sound: of the audio file.
    """

    info: TargetInfo | None
    edits: EditList | None
    sound: SoundInfo


def probe_inputs(request: RunRequest) -> Probed:
    """Open both files, without decoding anything.

    Raises:
        UnsupportedInput: a file is missing, damaged or of no use.
        UsageError: a track that is not there, or the fields of clips were to be kept.
    """
    path = request.target.path
    if is_edit_list(path):
        if request.target.video_track is not None:
            raise UsageError(
                f"{path} is an edit list, whose clips have tracks of their own.",
                "Omit --video-track.",
            )
        if request.target.interlaced == "keep":
            raise UsageError(
                f"{path} is an edit list, whose clips are always deinterlaced.",
                "Omit --interlaced.",
            )
        edits, sound = read_edits(path), _sound(request)
        if sound.end:
            edits = edits.fitted(math.ceil(sound.end * edits.frame_rate))
        return Probed(info=None, edits=edits, sound=sound)
    asked = request.target
    info = probe_target(path, Fraction(asked.fps), asked.video_track, asked.interlaced)
    return Probed(info=info, edits=None, sound=_sound(request))


def _sound(request: RunRequest) -> SoundInfo:
    """The sound; one from the target's own file belongs to the pictures that are shown of it."""
    same = request.audio.resolve() == request.target.path.resolve()
    beside = request.target.video_track if same else None
    return probe_sound(request.audio, request.audio_track, beside)


def analyse_inputs(
    probed: Probed,
    request: RunRequest,
    detector: Resolved[DetectorSpec],
    progress: Progress,
    watch: Stopwatch,
    cancel: CancelToken = NEVER,
) -> Inputs:
    """Find the faces, and lay the target under the audio.

    Args:
        probed: both files.
        request: whose face, how the target is fitted to the audio.
        detector: finds the faces.
        progress: listener.
        watch: where time is booked.
        cancel: stops the work between two frames.

    Raises:
        UnsupportedInput: the target shows no face, or clips do not go together.
        UsageError: the face rule does not fit the target.
    """
    if probed.edits is not None:
        clips = _Clips(request.target, detector, progress, watch, cancel)
        return _edited(probed.edits, probed.sound, request, clips)
    info, sound = probed.info, probed.sound
    assert info is not None
    analysed = analyse_target(
        info,
        make_schedule(info.index, request.fit, sound.end or None),
        request.target,
        detector,
        progress,
        watch,
        seed=request.plugins.seed,
        cancel=cancel,
    )
    return Inputs(
        source=Source(
            path=info.path,
            kind=info.kind,
            codec=info.codec,
            video=info.video,
            frames=info.frames,
            duration=info.duration,
            digest=analysed.digest,
            track=info.track,
            tracks=info.tracks,
            notes=(*info.notes, *_notes(info)),
        ),
        detector=detector.spec.name,
        cached=analysed.cached,
        tracks=len(np.unique(analysed.analysis.rows["track"])),
        shots=len(analysed.analysis.shots),
        schedule=analysed.schedule,
        target=analysed.target,
        sound=sound,
        audio_hash=content_hash(request.audio),
    )


def _notes(info: TargetInfo) -> Iterator[str]:
    if info.tracks > 1:
        yield f"Video track {info.track} is shown, of 0 to {info.tracks - 1}; see --video-track."
    if info.index.jumps:
        count = len(info.index.jumps)
        yield f"Times that the clock starts again or jumps: {count}; the parts are joined."


def _edited(edits: EditList, sound: SoundInfo, request: RunRequest, clips: _Clips) -> Inputs:
    """The same for an edit list: its clips one after the other."""
    clips.agree_on(edits)
    parts = [(edit, clips.of(edit)) for edit in edits.edits]
    ticks = np.arange(edits.frames + 1)
    return Inputs(
        source=clips.source(edits),
        detector=clips.detector.spec.name,
        cached=clips.cached,
        tracks=clips.tracks,
        shots=clips.shots,
        schedule=Schedule(
            order=ticks[:-1], starts=ticks, count=edits.frames, time_base=1 / edits.frame_rate
        ),
        target=EditedTarget(parts, clips.video, clips.detector.spec.schemes[0]),
        sound=sound,
        audio_hash=content_hash(request.audio),
    )


class _Clips:
    """The clips of an edit list: each is probed, conformed and analysed once."""

    def __init__(
        self,
        request: TargetRequest,
        detector: Resolved[DetectorSpec],
        progress: Progress,
        watch: Stopwatch,
        cancel: CancelToken,
    ) -> None:
        self.cached, self.tracks, self.shots = True, 0, 0
        self.video: VideoFormat
        self.detector = detector
        self._path = request.path
        self._probed: dict[Path, TargetInfo] = {}
        self._rule = FaceRule.parse(request.face)
        self._checks = request.face_checks
        self._tools = progress, watch, cancel
        self._known: dict[tuple[Path, str], Clip] = {}
        self._digest = hashlib.blake2b(digest_size=16)

    def agree_on(self, edits: EditList) -> None:
        """Probe all clips, and bring them into the form of the list; else into that of the first clip.

        Interlaced ones are always deinterlaced: fields cannot be scaled.

        Raises:
            UnsupportedInput: one cannot be read.
        """
        for clip in dict.fromkeys(edit.clip for edit in edits.edits):
            self._probed[clip] = probe_target(clip, edits.frame_rate)
        videos = [info.video for info in self._probed.values()]
        size = edits.size or (videos[0].width, videos[0].height)
        like = next((v for v in videos if (v.width, v.height) == size), videos[0])
        form = Form(
            width=size[0], height=size[1], frame_rate=edits.frame_rate, filling=edits.filling
        )
        self.video = conformed_format(like, form)
        for clip, info in self._probed.items():
            self._probed[clip] = conform(info, self.video, edits.filling)

    def of(self, edit: Edit) -> Clip:
        """The clip of an edit.

        Raises:
            UnsupportedInput: it is too short.
        """
        key = edit.clip, edit.kind
        if key not in self._known:
            self._known[key] = self._seen(self._probed[edit.clip], edit)
        clip = self._known[key]
        if edit.first + edit.frames > clip.info.frames:
            raise UnsupportedInput(
                f"{self._path} wants frames {edit.first} to {edit.first + edit.frames - 1} of "
                f"{edit.clip}, which has {clip.info.frames}.",
                "Shorten the edit, and let it `hold` its last frame.",
            )
        return clip

    def source(self, edits: EditList) -> Source:
        """All of them in numbers."""
        self._digest.update(edits.text(self._path.parent).encode())
        return Source(
            path=self._path,
            kind="clips",
            codec=", ".join(sorted({clip.info.codec for clip in self._known.values()})),
            video=self.video,
            frames=edits.frames,
            duration=edits.frames / edits.frame_rate,
            digest=self._digest.hexdigest(),
            notes=tuple(note for info in self._probed.values() for note in info.notes),
        )

    def _seen(self, info: TargetInfo, edit: Edit) -> Clip:
        content, number = target_hash(info), len(self._known)
        self._digest.update(content.encode())
        if edit.kind == "silence":
            return Clip(number=number, info=info, analysis=None, choice=None, why="silence clip")
        found, cached = find_faces(info, content, self.detector, *self._tools)
        self.cached = self.cached and cached
        self.shots += len(found.shots)
        choice = None
        if len(found.rows):
            self.tracks += len(np.unique(found.rows["track"]))
            size = (info.video.width, info.video.height)
            choice = choose(found, self._rule, size, checks=self._checks)
        return Clip(number=number, info=info, analysis=found, choice=choice, why="no face")
