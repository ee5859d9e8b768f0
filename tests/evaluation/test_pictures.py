"""PSNR, SSIM and flicker of pictures whose figures are known."""

from __future__ import annotations

import numpy as np
import pytest

from lipsync_core.evaluation.pictures import C1, Flicker, Likeness, luma, ssim_map

MOUTH, FACE = (20, 30, 44, 46), np.array([10, 10, 54, 54])


def grey(level: float, size: tuple[int, int] = (64, 64)) -> np.ndarray:
    return np.full((*size, 3), level, np.uint8)


def noisy(sigma: float, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed).normal(128, sigma, (64, 64))
    return np.repeat(np.clip(random, 0, 255).astype(np.uint8)[..., None], 3, 2)


def figures(a: np.ndarray, b: np.ndarray) -> dict[str, float]:
    likeness = Likeness()
    likeness.add(a, b, MOUTH, FACE)
    return likeness.figures()


def test_equal_pictures():
    told = figures(noisy(30), noisy(30))
    assert told["psnr_mouth"] == told["psnr_outside"] == 100.0
    assert told["ssim_mouth"] == pytest.approx(1.0, abs=1e-4)


def test_flat_pictures_follow_the_formulas():
    told = figures(grey(100), grey(110))
    assert told["psnr_outside"] == pytest.approx(10 * np.log10(255**2 / 100), abs=1e-3)
    expected = (2 * 100 * 110 + C1) / (100**2 + 110**2 + C1)
    assert told["ssim_outside"] == pytest.approx(expected, abs=1e-3)


def test_changes_count_where_they_are():
    changed = noisy(30)
    changed[32:44, 24:40] = 255 - changed[32:44, 24:40]
    told = figures(changed, noisy(30))
    assert told["psnr_mouth"] < 25 and told["ssim_mouth"] < 0.7
    assert told["psnr_outside"] == 100.0
    assert told["ssim_outside"] == pytest.approx(1.0, abs=1e-4)
    changed = noisy(30)
    changed[:8] = 0
    told = figures(changed, noisy(30))
    assert told["psnr_mouth"] == 100.0 and told["psnr_outside"] < 20


def test_frames_weigh_by_their_pixels():
    likeness = Likeness()
    for level in (100, 110, 110, 110):
        likeness.add(grey(100), grey(level), MOUTH, FACE)
    assert likeness.figures()["psnr_mouth"] == pytest.approx(10 * np.log10(255**2 / 75), abs=1e-3)


def test_without_a_face_only_the_whole_counts():
    likeness = Likeness()
    likeness.add(grey(1), grey(2), (0, 0, 0, 0), np.zeros(4, int))
    assert set(likeness.figures()) == {"psnr_outside", "ssim_outside"}
    assert Likeness().figures() == {}


def test_a_mouth_at_the_edge_of_the_picture():
    likeness = Likeness()
    likeness.add(grey(1), grey(2), (-8, 56, 10, 90), np.array([-20, 30, 40, 99]))
    assert likeness.figures()["psnr_mouth"] == pytest.approx(48.13, abs=0.01)


def test_ssim_is_symmetric_and_falls_with_noise():
    a, b, c = luma(noisy(10)), luma(noisy(12, seed=1)), luma(noisy(40, seed=2))
    assert np.allclose(ssim_map(a, b), ssim_map(b, a), atol=1e-4)
    assert ssim_map(a, a + 5).mean() > ssim_map(a, b).mean() > ssim_map(a, c).mean() - 0.05


def test_steady_change_is_no_flicker():
    flicker = Flicker()
    for n in range(8):
        flicker.add(grey(100 + 3 * n))
    assert flicker.figures()["flicker_mouth"] == pytest.approx(0, abs=1e-3)


def test_shaking_in_the_lower_half():
    flicker = Flicker()
    for n in range(9):
        image = grey(100)
        image[32:] += np.uint8(4 * (n % 2))
        image[:32] += np.uint8(1 * (n % 2))
        flicker.add(image)
    told = flicker.figures()
    assert told["flicker_mouth"] == pytest.approx(4, abs=1e-3)
    assert told["flicker_upper"] == pytest.approx(1, abs=1e-3)
    assert told["flicker_ratio"] == pytest.approx(4, abs=1e-2)


def test_a_cut_is_no_flicker():
    flicker = Flicker()
    for n in range(12):
        if n % 4 == 0:
            flicker.cut()
        flicker.add(grey(60 * (n // 4) + 20))
    assert flicker.figures()["flicker_mouth"] == pytest.approx(0, abs=1e-3)
    short = Flicker()
    short.add(grey(1))
    assert short.figures() == {}
