"""LatentSync as a lipsync plugin. Importing it does nothing."""
