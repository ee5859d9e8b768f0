"""What this computer has: hardware, installed packages, folders. Knows nothing of lipsync's work."""
