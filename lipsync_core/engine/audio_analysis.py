"""Encodes the audio of a run, a stage of its own before rendering: speech activity, features of encoders.

Everything ends as files in the run's workspace, so that a resumed run, and a worker elsewhere, reads what
was encoded once.
"""

from __future__ import annotations

from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import cast

import numpy as np

from lipsync_core.engine.chain.failures import StageFailure, guarded
from lipsync_core.engine.chain.resolve import Candidate
from lipsync_core.errors import LipsyncError
from lipsync_core.media.sound import read_with_picture
from lipsync_core.media.sound_info import SoundInfo
from lipsync_core.registry.opening import open_encoder
from lipsync_core.running.cancellation import NEVER, CancelToken
from lipsync_core.running.progress import Progress
from lipsync_core.running.stopwatch import Stopwatch
from lipsync_core.specs import AudioEncoderSpec
from lipsync_core.targets.target import Target
from lipsync_core.voice import activity as voice_activity
from lipsync_core.voice import emphasis as voice_emphasis
from lipsync_core.voice.features import VARIABLE_RATE_CLOCK, FeatureFile, RowStream, encode
from lipsync_core.voice.resting import rested

COMPAT = "compat"
"""Option of plugins that follow their original exactly: it never heard another level than the file's."""


class AudioAnalysis:
    """Encodes one audio file for one target.

    Sound whose level is unusual is brought to a usual one (`SoundInfo.gain`), except for plugins in compat
    mode.

    Args:
        audio: the sound, from its file's first picture on where that has pictures.
        target: its clock decides which rows are needed.
        folder: where the rows are written.
        progress: analysis.
        watch: where time is booked.
        cancel: stops the work between two blocks of sound.

    Attributes:
        judge: what decided about speech activity ("" when nothing asked).
        speech_share: share of the output frames in which somebody speaks; None when nothing asked.
    """

    def __init__(
        self,
        audio: SoundInfo,
        target: Target,
        folder: Path,
        progress: Progress,
        watch: Stopwatch,
        cancel: CancelToken = NEVER,
    ) -> None:
        self.judge = ""
        self.speech_share: float | None = None
        self._audio = audio
        self._target = target
        self._folder = folder
        self._progress = progress
        self._watch = watch
        self._cancel = cancel
        self._clock = VARIABLE_RATE_CLOCK if target.variable_rate else target.video.frame_rate
        self._features: dict[str, FeatureFile] = {}
        self._speech: FeatureFile | None = None

    def activity(self, *, rests: bool = True) -> FeatureFile:
        """Speech activity 0..1, one number a tick.

        Args:
            rests: `features` are at rest where nobody speaks.

        Raises:
            UnsupportedInput: the audio cannot be read.
        """
        stream = voice_activity.ActivityStream(self._clock)
        self.judge = stream.judge.name
        rate = voice_activity.SAMPLE_RATE
        gain = self._audio.gain
        found = self._encoded("activity", stream, (), rate, gain, "Speech activity")
        times = (self._target.time(k) for k in range(self._target.frames))
        self.speech_share = round(float(np.mean(found.at(times) > 0.5)), 4)
        self._speech = found if rests else None
        return found

    def emphasis(self) -> FeatureFile:
        """How far head and brows of a still picture go with the voice, two numbers a tick.

        Raises:
            UnsupportedInput: the audio cannot be read.
        """
        stream = voice_emphasis.EmphasisStream(self._clock)
        rate, gain = voice_emphasis.SAMPLE_RATE, self._audio.gain
        return self._encoded("emphasis", stream, (2,), rate, gain, "Emphasis")

    def features(self, candidate: Candidate) -> FeatureFile:
        """What a generator's audio encoder makes of the audio; encoded once.

        Where zero means rest, rows are at rest in the silences that `activity` found.

        Raises:
            StageFailure: the encoder failed; the chain moves on.
            OutOfMemory: it does not fit.
        """
        spec = candidate.encoder.spec
        compat = any(c.options.get(COMPAT) for c in (candidate.context, candidate.encoder.context))
        gain = 1.0 if compat else self._audio.gain
        name = spec.name if gain == 1.0 else f"{spec.name}-levelled"
        if name not in self._features:
            with ExitStack() as resources:
                try:
                    encoder = open_encoder(candidate.encoder, resources)
                except LipsyncError as error:
                    raise StageFailure("open", error.message, error.hint) from error
                stream = guarded("open", lambda: encoder.stream(spec.sample_rate, self._clock))
                rows = guarded(
                    "prepare",
                    lambda: self._encoded(
                        name,
                        cast(RowStream, stream),
                        spec.feature_shape,
                        spec.sample_rate,
                        gain,
                        f"The audio encoder '{spec.name}'",
                    ),
                )
                self._features[name] = self._rested(spec, name, cast(FeatureFile, rows))
        return self._features[name]

    def _rested(self, spec: AudioEncoderSpec, name: str, rows: FeatureFile) -> FeatureFile:
        if self._speech is None or not spec.zero_is_rest:
            return rows
        return rested(rows, self._speech, spec.parted, self._folder / f"{name}-rested.f32")

    def _encoded(
        self,
        name: str,
        stream: RowStream,
        shape: tuple[int, ...],
        sample_rate: int,
        gain: float,
        who: str,
    ) -> FeatureFile:
        """Run the audio through a stream, or take what an earlier try left."""
        path = self._folder / f"{name}.f32"
        if path.exists():
            return FeatureFile(path, shape, self._clock)
        duration: Fraction = self._target.duration
        self._progress.stage(f"listening ({name})", max(1, int(duration)))
        with self._watch.on(f"audio:{name}"):
            return encode(
                self._cancel.checked(read_with_picture(self._audio, sample_rate, gain)),
                sample_rate,
                duration,
                stream,
                shape,
                self._clock,
                path,
                who,
                lambda seconds: self._progress.advance(int(seconds)),
            )
