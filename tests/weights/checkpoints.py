"""Small networks, and the files in which users would have them."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import torch


class Small(torch.nn.Module):
    """A convolution, a normalisation and a line: 3 channels in, `width` in the middle."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(3, width, 3)
        self.norm = torch.nn.BatchNorm2d(width)
        self.out = torch.nn.Linear(width, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(self.norm(self.conv(x)).mean((2, 3)))


def small(seed: int = 1, width: int = 8) -> Small:
    """The same numbers for the same seed."""
    torch.manual_seed(seed)
    net = Small(width)
    torch.nn.init.normal_(net.norm.running_mean)
    return net.eval()


def prefixed(net: torch.nn.Module) -> dict[str, torch.Tensor]:
    """As data-parallel training names them."""
    return {f"module.{name}": value for name, value in net.state_dict().items()}


def _safetensors(net: torch.nn.Module, path: Path) -> None:
    from safetensors.torch import save_file

    save_file(net.state_dict(), path)


def _pickled(wrap: Callable[[torch.nn.Module], object], legacy: bool = False):
    def write(net: torch.nn.Module, path: Path) -> None:
        torch.save(wrap(net), path, _use_new_zipfile_serialization=not legacy)

    return write


def _optimizer(net: torch.nn.Module) -> dict:
    optimizer = torch.optim.Adam(net.parameters())
    for parameter in net.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    return optimizer.state_dict()


def _training(net: torch.nn.Module) -> dict:
    kept = {name: value.clone() for name, value in net.state_dict().items()}
    return {
        "state_dict": {f"module.{name}": value for name, value in kept.items()},
        "optimizer": _optimizer(net),
        "global_step": 7,
    }


def _scripted(net: torch.nn.Module, path: Path) -> None:
    torch.jit.script(net).save(str(path))


def _traced(net: torch.nn.Module, path: Path) -> None:
    torch.jit.trace(net, torch.zeros(1, 3, 8, 8)).save(str(path))


def _zipped_anew(write: Callable[[torch.nn.Module, Path], None], method: int):
    """An archive that somebody unpacked and zipped again."""

    def again(net: torch.nn.Module, path: Path) -> None:
        plain = path.with_suffix(".plain")
        write(net, plain)
        with zipfile.ZipFile(plain) as old, zipfile.ZipFile(path, "w", method) as new:
            for name in old.namelist():
                new.writestr(name, old.read(name))
        plain.unlink()

    return again


WRITERS: dict[str, Callable[[torch.nn.Module, Path], None]] = {
    "safetensors": _safetensors,
    "plain": _pickled(lambda net: net.state_dict()),
    "legacy": _pickled(lambda net: net.state_dict(), legacy=True),
    "legacy training": _pickled(_training, legacy=True),
    "training": _pickled(_training),
    "state_dict": _pickled(lambda net: {"state_dict": net.state_dict()}),
    "model": _pickled(lambda net: {"epoch": 3, "model": net.state_dict()}),
    "generator": _pickled(
        lambda net: {"generator": prefixed(net), "discriminator": {"x": torch.ones(1)}}
    ),
    "averaged": _pickled(
        lambda net: {"params": small(9).state_dict(), "params_ema": net.state_dict()}
    ),
    "nested twice": _pickled(lambda net: {"model": {"state_dict": prefixed(net)}}),
    "own name": _pickled(lambda net: {"mouth": net.state_dict(), "optim_g": _optimizer(small(3))}),
    "torchscript": _scripted,
    "traced": _traced,
    "compressed": _zipped_anew(_pickled(lambda net: net.state_dict()), zipfile.ZIP_DEFLATED),
    "compressed torchscript": _zipped_anew(_scripted, zipfile.ZIP_DEFLATED),
    "unaligned torchscript": _zipped_anew(_scripted, zipfile.ZIP_STORED),
}
"""One for each wrapping: writes the network to a path."""
