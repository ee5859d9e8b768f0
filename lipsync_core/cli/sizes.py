"""Sizes of files in words."""

from __future__ import annotations


def size_in_words(size: int | None) -> str:
    """Bytes as MB or GB; empty when not known."""
    if size is None:
        return ""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{max(size / 1e6, 0.1):.1f} MB"
