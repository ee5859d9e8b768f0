"""Face restoration networks as lipsync enhancers. Importing it does nothing."""
