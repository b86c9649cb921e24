"""From a recording to a published episode: transcribe, master, assemble, check, upload, commit."""
