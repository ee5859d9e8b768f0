"""espeak-ng as a speech source: many languages and voices, sample-exact phoneme times.

GPL-3 and needed for training only. Formant synthesis alone does not carry over to real voices (README.md),
so it gives the sound pairs of many languages while the recorded voices give the acoustics.
"""

from __future__ import annotations

import ctypes

import numpy as np

from training.viseme.corpus import texts
from training.viseme.phonemes import Segment, ipa_visemes, split
from training.viseme.speech import Samples, Source, Speech

_TRAINING_VARIANTS = (
    "", "", "m1", "m2", "m3", "m5", "m6", "m8", "f1", "f2", "f3", "f5", "klatt", "klatt2",
    "klatt3", "Alex", "Alicia", "Andrea", "Andy", "Diogo", "Gene", "Henrique", "Hugo", "Jacky",
    "Lee", "Marco", "Mario", "Michael", "Mike", "Nguyen", "Reed", "RicishayMax", "adam", "anika",
    "antonio", "aunty", "belinda", "benjamin", "boris", "caleb", "david", "ed", "edward",
    "gustave", "ian", "iven", "iven2", "john", "kaukovalta", "linda", "max", "michel", "miguel",
    "norbert", "pablo", "paul", "pedro", "quincy", "rob", "robert", "sandro", "shelby", "steph",
    "steph2", "victor", "zac", "grandma", "announcer",
)  # fmt: skip
_HELD_OUT_VARIANTS = (
    "m4", "m7", "f4", "klatt4", "klatt6", "Annie", "Denis", "marcelo", "steph3", "iven4",
    "edward2", "Gene2",
)  # fmt: skip
_VOICES = {
    "en": ("en-us", "en-us", "en-gb", "en-gb-x-rp", "en-gb-scotland", "en-029"),
    "de": ("de",), "es": ("es", "es-419"), "it": ("it",), "fr": ("fr-fr",),
    "pt": ("pt", "pt-br"), "pl": ("pl",), "nl": ("nl",),
}  # fmt: skip
ENGLISH_SHARE = 0.5

# espeak-ng's speak_lib.h
_SYNCHRONOUS = 2
_PHONEME_EVENTS, _PHONEME_IPA, _DONT_EXIT = 1, 2, 0x8000
_EVENT_END, _EVENT_PHONEME = 0, 7
_RATE, _PITCH, _RANGE = 1, 3, 4
_UTF8 = 1
GLIDE_SHARE = 0.35
"""A post-vocalic l or r has the time of the NEXT event; it is given this share of the vowel before it."""


class _EventId(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("uid", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    )


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


def event_segments(events: list[tuple[float, str]], seconds: float) -> list[Segment]:
    """(time, IPA) events -> segments; a name in brackets such as `(en)` is a language switch."""
    times = [time for time, _ in events]
    for k in range(1, len(events) - 1):
        if times[k + 1] == times[k] and events[k][1] and times[k - 1] < times[k]:
            times[k] -= GLIDE_SHARE * (times[k] - times[k - 1])
    segments: list[Segment] = []
    for (_, ipa), start, end in zip(events, times, [*times[1:], seconds], strict=True):
        visemes = ipa_visemes(ipa) if ipa else ("sil",)
        if not visemes:
            visemes = (segments[-1].viseme if segments else "sil",)
        segments += split(start, end, visemes)
    return segments


class Espeak(Source):
    """libespeak-ng through ctypes; one instance a process, as the library keeps one global voice."""

    name = "espeak"

    def __init__(self) -> None:
        import espeakng_loader

        self._texts = texts()
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        options = _PHONEME_EVENTS | _PHONEME_IPA | _DONT_EXIT
        data = espeakng_loader.get_data_path().encode()
        self._rate = int(self._library.espeak_Initialize(_SYNCHRONOUS, 0, data, options))
        if self._rate <= 0:
            raise RuntimeError(
                f"espeak-ng did not start (code {self._rate}): reinstall espeakng-loader"
            )
        self._chunks: list[Samples] = []
        self._events: list[tuple[float, str]] = []
        self._callback = _Callback(self._receive)  # the library keeps a bare pointer to it
        self._library.espeak_SetSynthCallback(self._callback)
        self._language = "en"
        self._voice = "en-us"

    def _receive(self, wav: ctypes._Pointer[ctypes.c_short], count: int, events: object) -> int:
        if wav and count > 0:
            chunk = np.ctypeslib.as_array(wav, (count,)).astype(np.float32)
            self._chunks.append(np.asarray(chunk / 32768, np.float32))
        index = 0
        while events[index].type != _EVENT_END:  # type: ignore[index]  # a ctypes pointer
            event = events[index]  # type: ignore[index]
            if event.type == _EVENT_PHONEME:
                ipa = bytes(event.id.string).split(b"\0")[0].decode("utf8", "replace")
                if not ipa.startswith("("):
                    self._events.append((event.sample / self._rate, ipa))
            index += 1
        return 0

    def cast(self, rng: np.random.Generator, held_out: bool) -> None:
        """Choose language, variant, rate and pitch."""
        others = [language for language in _VOICES if language != "en"]
        self._language = "en" if rng.random() < ENGLISH_SHARE else str(rng.choice(others))
        variant = str(rng.choice(_HELD_OUT_VARIANTS if held_out else _TRAINING_VARIANTS))
        voice = str(rng.choice(_VOICES[self._language]))
        self._voice = f"{voice}+{variant}" if variant else voice
        self._library.espeak_SetVoiceByName(self._voice.encode())
        self._library.espeak_SetParameter(_RATE, int(rng.integers(110, 240)), 0)
        self._library.espeak_SetParameter(_PITCH, int(rng.integers(10, 90)), 0)
        self._library.espeak_SetParameter(_RANGE, int(rng.integers(15, 95)), 0)

    def say(self, rng: np.random.Generator) -> Speech | None:
        """Speak one random sentence of the cast voice."""
        text = str(rng.choice(self._texts[self._language])).encode("utf8")
        self._chunks, self._events = [], [(0.0, "")]
        self._library.espeak_Synth(text, len(text) + 1, 0, 0, 0, _UTF8, None, None)
        self._library.espeak_Synchronize()
        if not self._chunks:
            return None
        samples = np.concatenate(self._chunks)
        seconds = len(samples) / self._rate
        if seconds < 0.5:
            return None
        return Speech(samples, self._rate, event_segments(self._events, seconds))
