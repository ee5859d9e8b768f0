"""Figures for any lip-synced video, ours or another tool's: `lipsync eval`."""
