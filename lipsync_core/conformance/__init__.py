"""What the engine relies on, case by case (`lipsync plugins check`), and the skeleton of a new plugin."""
