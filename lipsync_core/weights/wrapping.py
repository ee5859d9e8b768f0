"""Which wrapping a weight file has, by its first bytes; refuses anything else in one sentence."""

from __future__ import annotations

import codecs
import zipfile
from pathlib import Path
from typing import Literal

from lipsync_core.errors import PluginUnavailable

Wrapping = Literal["safetensors", "onnx", "pickle", "archive", "torchscript"]
"""`pickle`: one stream, as torch before 1.6 wrote it; `archive`: a zip with a pickle in it."""

AGAIN = "Get the file again from its publisher (`lipsync weights list` says where) and compare its size."
_ONNX_FIELDS = (0x12, 0x1A, 0x22, 0x28, 0x32, 0x3A, 0x42)
"""Tags that may follow `ir_version` (tag 0x08) in an ONNX ModelProto (onnx.proto, fields 2 to 8)."""
_PACKED = {
    b"\x1f\x8b": "gzip",
    b"7z\xbc\xaf": "7z",
    b"Rar!": "RAR",
    b"BZh": "bzip2",
    b"\xfd7zX": "xz",
}
_LEAST = 9
"""Bytes that every format has at least: what tells them apart."""
_LARGEST_HEADER = 100_000_000
"""Bytes; the limit that the safetensors format itself sets."""


def wrapping_of(path: Path) -> Wrapping:
    """What `path` is.

    Raises:
        PluginUnavailable: it is missing, empty, truncated, or no weight file; says which.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(512)
    except OSError as error:
        told = error.strerror or str(error)
        raise PluginUnavailable(f"The weight file {path} cannot be read: {told}.", AGAIN) from error
    if not size:
        raise damaged(path, "is empty")
    if len(head) < _LEAST:
        raise _refused(path, head)
    if head.startswith(b"PK\x03\x04"):
        return _zip(path)
    if head[:1] == b"\x80" and 2 <= head[1] <= 5:
        return "pickle"
    header = int.from_bytes(head[:8], "little")
    if head[8:9] == b"{" and header <= _LARGEST_HEADER:
        if 8 + header > size:
            raise damaged(path, "ends in the middle: its download was cut short")
        return "safetensors"
    if head[:1] == b"\x08" and 0 < head[1] < 32 and head[2] in _ONNX_FIELDS:
        return "onnx"
    raise _refused(path, head)


def damaged(path: Path, what: str) -> PluginUnavailable:
    """The error for a file that should be got again: `what` says what it is or does."""
    return PluginUnavailable(f"The weight file {path} {what}.", AGAIN)


def wants_code(path: Path, what: str) -> PluginUnavailable:
    """The error for a file that names a class or function of its own."""
    return PluginUnavailable(
        f"The weight file {path} was refused: it wants the code of {what} to run, "
        "and a file from elsewhere could run anything that way.",
        "Use the publisher's safetensors file or plain state dict; where you trust the file, load it with "
        "the publisher's own code and save its state_dict().",
    )


def _zip(path: Path) -> Wrapping:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError):  # the list of contents is at the end
        raise damaged(path, "ends in the middle: its download was cut short") from None
    inside = {name.partition("/")[2] for name in names}
    if "data.pkl" in inside:
        return "torchscript" if "constants.pkl" in inside else "archive"
    raise PluginUnavailable(
        f"The weight file {path} is a zip archive of {len(names)} files, not a network.",
        "Unpack it and name the weight file that is in it.",
    )


def _refused(path: Path, head: bytes) -> PluginUnavailable:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"version https://git-lfs.github.com/spec/"):
        return PluginUnavailable(
            f"The weight file {path} is only a Git LFS pointer: a few lines that stand for the file.",
            "Run `git lfs pull` in the repository it came from, or download the file itself.",
        )
    if start[:1] == b"<" and b"html" in start[:256].lower():
        return PluginUnavailable(
            f"The weight file {path} is a web page, not weights: "
            "the link led to a page that asks for a login, a licence or a click.",
            "Open the link in a browser, and save the file that it offers.",
        )
    for magic, name in _PACKED.items():
        if head.startswith(magic):
            return PluginUnavailable(
                f"The weight file {path} is a {name} archive, not a network.",
                "Unpack it and name the weight file that is in it.",
            )
    if _is_text(head):
        first = start.decode("utf-8", "replace").splitlines()[:1]
        begins = f" that begins '{first[0][:60]}'" if first else ""
        return damaged(path, f"is a text file{begins}, not weights")
    return damaged(path, "is neither safetensors nor a PyTorch checkpoint nor ONNX")


def _is_text(head: bytes) -> bool:
    try:  # the end may be in the middle of a character
        text = codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return all(sign.isprintable() or sign in "\t\r\n\f\ufeff" for sign in text)
