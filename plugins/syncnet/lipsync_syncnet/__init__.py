"""SyncNet v2 as a lipsync plugin. Importing it does nothing."""
