"""What plugins with torch networks share."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from lipsync_core.errors import OutOfMemory, PluginUnavailable

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402 - after the check that it is there

from lipsync_core.networks import blocks  # noqa: E402
from lipsync_core.networks.batches import in_batches  # noqa: E402
from lipsync_core.networks.device import NetworkDevice  # noqa: E402
from lipsync_core.networks.folding import fold  # noqa: E402
from lipsync_core.networks.loading import loaded  # noqa: E402


class Block(nn.Module):
    """Convolutions of both kinds with their norms, and one norm that belongs to nobody."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU())
        self.up = nn.ConvTranspose2d(8, 4, 3, 2)
        self.norm = nn.BatchNorm2d(4)
        self.alone = nn.Sequential(nn.ReLU(), nn.BatchNorm2d(4))

    def forward(self, x):
        return self.alone(self.norm(self.up(self.first(x))))


def filled() -> Block:
    torch.manual_seed(0)
    network = Block().eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 1.5)
            nn.init.uniform_(module.weight, 0.5, 1.5)
    return network


def test_folding_only_rounds_and_keeps_norms_that_stand_alone():
    network, x = filled(), torch.randn(2, 3, 16, 16)
    with torch.no_grad():
        before = network(x)
        assert fold(network) is network
        assert (network(x) - before).abs().max() < 1e-5
    left = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    assert left == [network.alone[1]]


def test_a_network_gets_the_numbers_of_a_file(tmp_path):
    trained, path = filled(), tmp_path / "net.pth"
    torch.save(trained.half().state_dict(), path)
    network = loaded(Block, path)
    assert not network.training and not any(p.requires_grad for p in network.parameters())
    assert {p.dtype for p in network.parameters()} == {torch.float32}
    assert torch.equal(network.up.weight, trained.up.weight.float())
    torch.save({f"old.{name}": t for name, t in trained.state_dict().items()}, path)
    with pytest.raises(PluginUnavailable, match=r"net\.pth is of another network"):
        loaded(Block, path)
    assert torch.equal(loaded(Block, path, trained.state_dict()).up.weight, network.up.weight)


def test_the_layout_can_stay_as_it_is():
    device = NetworkDevice("cpu", "Somebody", 1, channels_last=False)
    network = device.place(filled())
    x = device.put(np.ones((2, 3, 16, 16), np.float32))
    for tensor in (x, network.first[0].weight):
        assert tensor.is_contiguous()
        assert not tensor.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_network_and_its_inputs_get_the_same_place(precision):
    device = NetworkDevice("cpu", "Somebody", 1, precision)
    network = device.place(filled())
    x = device.put(np.ones((2, 3, 16, 16), np.float32))
    assert x.is_contiguous(memory_format=torch.channels_last)
    made = network(x)
    assert made.dtype is device.type and not made.requires_grad
    assert device.fetch(made).dtype == np.float32 and device.fetch(made).shape == tuple(made.shape)
    assert device.put(np.arange(3)[::-1]).dtype is device.type


def test_memory_that_ran_out_is_the_engines_error():
    device = NetworkDevice("cpu", "Somebody", 1)
    with pytest.raises(OutOfMemory, match="Somebody ran out of memory"), device.memory():
        torch.empty(1 << 62, dtype=torch.uint8)
    with pytest.raises(OutOfMemory, match="GPU memory"), device.memory():
        raise torch.OutOfMemoryError("CUDA out of memory")
    with pytest.raises(OutOfMemory, match="Somebody ran out"), device.memory():
        raise MemoryError
    with pytest.raises(RuntimeError, match="shapes"), device.memory():
        raise RuntimeError("shapes do not fit")


def test_pieces_are_halved_until_they_fit():
    tried: list[int] = []

    def run(a: int, b: int) -> list[int]:
        tried.append(b - a)
        if b - a > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return list(range(a, b))

    device = NetworkDevice("cpu", "Somebody", 1)
    assert [n for piece in device.in_pieces(7, 7, run) for n in piece] == list(range(7))
    assert tried == [7, 3, 1, 1, 1, 1, 1, 1, 1]


@pytest.mark.parametrize(
    "said",
    [
        "DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 TB",
        "MPS backend out of memory (MPS allocated: 17 GB, max allowed: 18 GB)",
    ],
)
def test_what_does_not_fit_alone_or_fails_otherwise_is_told(said: str):
    device = NetworkDevice("cpu", "Somebody", 1)

    def none_fits(a: int, b: int) -> None:
        raise RuntimeError(said)

    def fails(a: int, b: int) -> None:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(OutOfMemory, match="Somebody"):
        device.in_pieces(3, 2, none_fits)
    with pytest.raises(RuntimeError, match="mat1"):
        device.in_pieces(3, 2, fails)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this torch can")
def test_a_torch_without_the_device_says_so():
    with pytest.raises(PluginUnavailable, match="Somebody cannot run") as caught:
        NetworkDevice("cuda:1", "Somebody", 1)
    assert "--device cpu" in caught.value.hint


def test_a_cpu_takes_what_its_cache_likes():
    assert NetworkDevice("cpu", "Somebody", 1).fitting(1 << 40, on_cpu=8) == 8


def test_blocks_keep_halve_and_double():
    x = torch.randn(1, 4, 8, 8)
    assert blocks.residual(4).eval()(x).shape == x.shape
    assert blocks.Block(4, 6, 3, 2, 1)(x).shape == (1, 6, 4, 4)
    assert blocks.enlarging(4, 6)(x).shape == (1, 6, 16, 16)
    added = blocks.residual(4).eval()
    nn.init.zeros_(added.conv_block[0].weight)
    nn.init.zeros_(added.conv_block[0].bias)
    assert torch.equal(added(x), torch.relu(x))  # the input, before the ReLU


def test_the_mel_encoder_makes_512_numbers_of_a_window():
    network = blocks.mel_encoder().eval()
    assert network(torch.zeros(2, 1, 80, 16)).shape == (2, 512, 1, 1)
    assert len(network) == 13


@pytest.mark.parametrize(("count", "calls"), [(0, [0]), (1, [1]), (3, [3]), (7, [3, 3, 1])])
def test_rows_come_in_batches_and_in_order(count: int, calls: list[int]):
    asked: list[int] = []

    def add(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        asked.append(len(one))
        return one + other

    rows = np.arange(2 * count, dtype=np.float32).reshape(count, 2)
    assert np.array_equal(in_batches(add, 3, rows, rows), 2 * rows)
    assert asked == calls


def test_openmp_is_told_before_torch_is_there():
    code = (
        "import os; os.environ.pop('OMP_WAIT_POLICY', None);"
        "from lipsync_core.networks import quiet; import sys;"
        "quiet.wait_quietly(); print(os.environ['OMP_WAIT_POLICY'], 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["passive", "False"]
