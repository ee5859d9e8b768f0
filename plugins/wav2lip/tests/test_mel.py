"""The encoder `mel` of the core is Wav2Lip's front end: librosa, made to pad as in training, agrees."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from lipsync_wav2lip.spec import WAV2LIP

from lipsync_core.registry import Registry, create
from lipsync_core.registry.probing import context_for
from lipsync_core.specs import AudioEncoderSpec
from lipsync_core.testing import recipe

librosa = pytest.importorskip("librosa")


def reference(sound: np.ndarray) -> np.ndarray:
    """`(80, T)` by librosa's own functions; its version of the training padded by reflection."""
    emphasised = librosa.effects.preemphasis(sound, coef=0.97, zi=[0.0])
    spectrum = librosa.stft(
        emphasised, n_fft=800, hop_length=200, win_length=800, pad_mode="reflect"
    )
    bands = librosa.filters.mel(sr=16_000, n_fft=800, n_mels=80, fmin=55, fmax=7600)
    level = 20 * np.log10(np.maximum(1e-5, bands @ np.abs(spectrum))) - 20
    return np.clip(8 * ((level + 100) / 100) - 4, -4, 4)


@pytest.mark.parametrize("pushes", [[10**6], [160] * 40 + [10**6], [1, 3999, 10**6]])
@pytest.mark.parametrize("fps", [Fraction(25), Fraction(30000, 1001)])
def test_rows_are_librosas_however_the_sound_arrives(pushes: list[int], fps: Fraction):
    spec = Registry.load().get(AudioEncoderSpec, WAV2LIP.audio_encoder)
    encoder = create(spec)
    encoder.open(context_for(spec))
    sound = recipe.wave("w2l_wav", 32_123)
    stream, rows, at = encoder.stream(16_000, fps), [], 0
    for size in pushes:
        rows.append(stream.push(sound[at : at + size]))
        at += size
    got = np.concatenate([*rows, stream.flush()])
    mel = reference(sound)
    assert len(got) == -(-len(sound) * fps // 16_000)
    for k, row in enumerate(got):
        start = min(int(80 * k / fps), mel.shape[1] - 16)
        assert np.abs(row - mel[:, start : start + 16]).max() < 2e-4
    encoder.close()


@pytest.mark.parametrize("samples", [1, 300, 1700, 2999])
def test_voices_shorter_than_a_window_give_rows_of_full_size(samples: int):
    spec = Registry.load().get(AudioEncoderSpec, WAV2LIP.audio_encoder)
    encoder = create(spec)
    encoder.open(context_for(spec))
    stream = encoder.stream(16_000, Fraction(25))
    rows = np.concatenate([stream.push(np.full(samples, 0.1, np.float32)), stream.flush()])
    assert rows.shape == (-(-samples * 25 // 16_000), 80, 16)
    assert np.isfinite(rows).all()
