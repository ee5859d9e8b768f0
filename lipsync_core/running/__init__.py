"""How work runs, whatever the work: threads with bounded queues, time, progress, interruption."""
