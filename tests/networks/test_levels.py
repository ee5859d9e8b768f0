"""Pictures from a network's output."""

from __future__ import annotations

import numpy as np
import pytest

from lipsync_core.errors import GenerationFailed
from lipsync_core.networks.levels import demand_finite, rgb_levels


def test_bgr_shares_become_rgb_levels():
    made = np.zeros((2, 3, 4, 5), np.float32)
    made[:, 0], made[:, 1], made[:, 2] = 0.1, 0.5, 1.0  # blue, green, red
    assert rgb_levels(made, "It", truncate=False)[1, 3, 4].tolist() == [255, 128, 26]
    assert rgb_levels(made, "It", truncate=True)[1, 3, 4].tolist() == [255, 127, 25]
    assert rgb_levels(made, "It", truncate=True).shape == (2, 4, 5, 3)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(value: float):
    made = np.zeros((1, 3, 2, 2), np.float32)
    demand_finite(made, "Demo")
    made[0, 1, 1, 0] = value
    with pytest.raises(GenerationFailed, match="Demo returned NaN or infinity") as error:
        rgb_levels(made, "Demo", truncate=False)
    assert "--precision fp32" in error.value.hint
