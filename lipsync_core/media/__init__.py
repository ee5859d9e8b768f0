"""Containers in and out, the exact clock, sound, and finished files.

Import the module you need (`lipsync_core.media.reader`, `.writer`, ...): this package file stays
empty, so that listing plugins or asking for help never loads FFmpeg or OpenCV.
"""
