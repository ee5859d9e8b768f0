"""From a request to a finished video: plan, render segments, assemble, report; and the live session."""
