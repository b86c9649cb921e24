"""Our own Whisper decoder on OpenVINO, for CPUs."""
