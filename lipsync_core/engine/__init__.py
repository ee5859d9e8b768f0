"""From a request to a video: plan, render segments, assemble, report; and the live session."""
