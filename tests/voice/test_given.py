"""Arrays that others push: full scale is full scale, whatever the type."""

from __future__ import annotations

import numpy as np
import pytest

from lipsync_core.errors import UsageError
from lipsync_core.voice.given import as_samples

SHAPE = np.array([0.0, 0.5, -0.5, 0.999, -1.0])


@pytest.mark.parametrize(
    ("dtype", "given", "step"),
    [
        ("int16", SHAPE * 2**15, 2**-15), ("int32", SHAPE * 2**31, 2**-24),
        ("uint8", 128 + SHAPE * 128, 2**-7), ("float32", SHAPE, 1e-6), ("float64", SHAPE, 1e-6),
    ],
)  # fmt: skip
def test_every_type_means_the_same_sound(dtype, given, step):
    got = as_samples(given.astype(dtype))
    assert got.dtype == np.float32
    assert got == pytest.approx(SHAPE, abs=step)


@pytest.mark.parametrize(
    "dtype", ["int8", "uint16", "uint32", "int64", "bool", "complex64", "float16"]
)
def test_other_types_are_refused(dtype):
    with pytest.raises(UsageError, match=f"of type {dtype}") as error:
        as_samples(np.zeros(4, dtype))
    assert "int16" in error.value.hint


@pytest.mark.parametrize("shape", [(), (1, 8), (8, 1), (2, 8)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(UsageError, match="of shape"):
        as_samples(np.zeros(shape, np.float32))


def test_what_is_no_number_is_silence_and_the_given_array_stays():
    given = np.array([0.1, np.nan, np.inf, -np.inf, 1e300])
    before = given.copy()
    assert as_samples(given) == pytest.approx([0.1, 0, 0, 0, 0])
    assert np.array_equal(given, before, equal_nan=True)
    own = np.array([0.1, np.nan], np.float32)
    as_samples(own)
    assert np.isnan(own[1])
