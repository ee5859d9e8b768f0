"""Wav2Lip as a lipsync plugin. Importing it does nothing."""
