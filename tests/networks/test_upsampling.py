"""Doubling by one transposed convolution gives what repeated pixels and a convolution give."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402 - after the check that it is there
from torch.nn import functional  # noqa: E402

from lipsync_core.networks.upsampling import Doubling, quick_doubling  # noqa: E402


class Upsample2D(nn.Module):
    """As diffusers' module of that name: repeated pixels, then a convolution."""

    def __init__(self, into: int, out: int, kernel: int = 3) -> None:
        super().__init__()
        self.interpolate, self.norm = True, None
        self.conv = nn.Conv2d(into, out, kernel, padding=kernel // 2)

    def forward(self, x, output_size=None):
        return self.conv(functional.interpolate(x, scale_factor=2.0, mode="nearest"))


@pytest.mark.parametrize("size", [(5, 7), (1, 1), (8, 8)])
@pytest.mark.parametrize("channels", [(3, 4), (6, 2)])
def test_the_pictures_are_the_same_but_for_rounding(size, channels):
    torch.manual_seed(1)
    plain, x = Upsample2D(*channels), torch.randn(2, channels[0], *size)
    with torch.inference_mode():
        assert torch.allclose(Doubling(plain.conv)(x), plain(x), atol=1e-5)


def test_only_plain_upsampling_is_replaced():
    normed = Upsample2D(4, 4)
    normed.norm = nn.LayerNorm(4)
    network = nn.Sequential(nn.Sequential(Upsample2D(4, 4)), normed, Upsample2D(4, 4, 5))
    before = network(torch.ones(1, 4, 3, 3))
    quick = quick_doubling(network)
    assert [type(m).__name__ for m in quick[0]] == ["Doubling"]
    assert [type(m).__name__ for m in quick[1:]] == ["Upsample2D"] * 2
    assert torch.allclose(quick(torch.ones(1, 4, 3, 3)), before, atol=1e-5)


def test_precision_is_that_of_the_convolution():
    made = Doubling(Upsample2D(2, 2).conv.bfloat16())
    assert made.weight.dtype == torch.bfloat16
    assert not made.weight.requires_grad


def test_another_size_is_refused():
    made, x = Doubling(Upsample2D(2, 2).conv), torch.ones(1, 2, 3, 3)
    assert made(x, (6, 6)).shape == (1, 2, 6, 6)
    with pytest.raises(ValueError, match="where doubling gives"):
        made(x, (6, 7))
