"""`python -m lipsync_core` is `lipsync`."""

from lipsync_core.cli import main

if __name__ == "__main__":
    main()
