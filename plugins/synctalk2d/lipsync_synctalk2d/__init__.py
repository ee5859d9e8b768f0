"""SyncTalk_2D as a lipsync plugin. Importing it does nothing."""
