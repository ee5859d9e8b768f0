"""What is known of one sound stream after it was decoded once. A record; it reads nothing."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundInfo:
    """The sound stream of a file; `samples` is counted by decoding, so it is exact.

    Attributes:
        path: the file.
        codec: FFmpeg's decoder name, for example "aac", "mp3", "pcm_s16le".
        sample_rate: Hz.
        channels: number of channels.
        layout: FFmpeg's name of the channel layout, for example "stereo", "5.1".
        samples: samples per channel; 0 for a file with a sound stream and nothing in it.
        start: time stamp of the first sample in the container, seconds.
        lead: seconds from the first picture of the same file to the first sample; negative where the sound
            begins first, 0 for a file that shows no pictures.
        track: which of the file's sound streams it is, from 0.
        tracks: how many there are.
        language: as the file names it, such as "deu"; empty where it does not.
        mix: weight of each channel in what is listened to; empty: all alike.
        gain: factor that brings what is listened to to a usual level; 1 where it has one.
        repair: some samples are no numbers, and count as silence.
        uncopyable: why its packets cannot be copied into another file; empty where they can.
        notes: what had to be decided about it, in sentences for the user.
    """

    path: Path
    codec: str
    sample_rate: int
    channels: int
    layout: str
    samples: int
    start: Fraction
    lead: Fraction = Fraction(0)
    track: int = 0
    tracks: int = 1
    language: str = ""
    mix: tuple[float, ...] = ()
    gain: float = 1.0
    repair: bool = False
    uncopyable: str = ""
    notes: tuple[str, ...] = ()

    @property
    def duration(self) -> Fraction:
        """Exact length in seconds."""
        return Fraction(self.samples, self.sample_rate)

    @property
    def end(self) -> Fraction:
        """Seconds from the first picture to the end of the sound; 0 for an empty one."""
        return max(Fraction(0), self.lead + self.duration) if self.samples else Fraction(0)
