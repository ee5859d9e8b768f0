"""Rooms, microphones, lines and noise put on clean synthetic speech, in the waveform."""

from __future__ import annotations

import numpy as np
from scipy.signal import fftconvolve

from lipsync_core.builtin.viseme.melspec import SAMPLE_RATE
from training.viseme.speech import Samples

_EQ_HZ = np.array([0, 150, 400, 1000, 2000, 3500, 5500, 8000])


def _equalise(samples: Samples, rng: np.random.Generator) -> Samples:
    """Random smooth response and tilt; now and then a telephone low-pass or a rumble filter."""
    spectrum = np.fft.rfft(samples)
    hz = np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE)
    decibels = rng.normal(0, 4, len(_EQ_HZ)) + np.linspace(0, rng.uniform(-12, 8), len(_EQ_HZ))
    spectrum *= 10 ** (np.interp(hz, _EQ_HZ, decibels) / 20)
    if rng.random() < 0.12:
        spectrum *= 1 / (1 + (hz / rng.uniform(3400, 5500)) ** 12)
    if rng.random() < 0.3:
        spectrum *= 1 / (1 + (rng.uniform(80, 300) / np.maximum(hz, 1)) ** 4)
    return np.fft.irfft(spectrum, len(samples)).astype(np.float32)


def _reverberate(samples: Samples, rng: np.random.Generator) -> Samples:
    seconds = np.arange(int(SAMPLE_RATE * rng.uniform(0.05, 0.5))) / SAMPLE_RATE
    tail = rng.normal(0, 1, len(seconds)) * np.exp(-6.9 * seconds / rng.uniform(0.08, 0.6))
    tail *= rng.uniform(0.006, 0.045)
    tail[0] = 1.0
    return np.asarray(fftconvolve(samples, tail)[: len(samples)], np.float32)


def _loudness_drift(samples: Samples, rng: np.random.Generator) -> Samples:
    knots = len(samples) // 4000 + 2
    decibels = np.interp(
        np.arange(len(samples)), np.linspace(0, len(samples), knots), rng.normal(0, 3, knots)
    )
    return np.asarray(samples * 10 ** (decibels / 20), np.float32)


def _noise(count: int, rng: np.random.Generator) -> Samples:
    noise = rng.normal(0, 1, count)
    if rng.random() < 0.7:
        hz = np.fft.rfftfreq(count, 1 / SAMPLE_RATE)
        colour = np.maximum(hz, 30) ** -rng.uniform(0.2, 1.2)
        noise = np.fft.irfft(np.fft.rfft(noise) * colour, count)
    return np.asarray(noise / (np.sqrt((noise**2).mean()) + 1e-9), np.float32)


def augment(samples: Samples, rng: np.random.Generator) -> Samples:
    """One random recording condition for the whole signal; peak between -24 and 0 dBFS."""
    samples = _equalise(samples, rng)
    if rng.random() < 0.5:
        samples = _reverberate(samples, rng)
    if rng.random() < 0.3:
        samples = _loudness_drift(samples, rng)
    rms = float(np.sqrt((samples**2).mean())) + 1e-9
    snr = rng.uniform(8, 55)
    samples = samples + _noise(len(samples), rng) * np.float32(rms * 10 ** (-snr / 20))
    gain = 10 ** (rng.uniform(-24, 0) / 20) / (float(np.abs(samples).max()) + 1e-9)
    return np.asarray(samples * gain, np.float32)
