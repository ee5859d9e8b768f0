"""Tests of this plugin leave the user's folders alone."""

from __future__ import annotations

from lipsync_core.testing import own_folders as own_folders
