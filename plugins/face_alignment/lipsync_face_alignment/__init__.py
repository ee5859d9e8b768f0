"""The face-alignment package as a lipsync detector. Importing it does nothing."""
