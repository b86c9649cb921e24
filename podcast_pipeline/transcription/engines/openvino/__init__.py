"""Our own Whisper decoder on OpenVINO, for processors."""
