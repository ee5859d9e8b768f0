"""Live sessions: sound goes in as it arrives, frames come out in time."""
