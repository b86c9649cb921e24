"""The parts of bench_transcribe.py: engines, recordings, instruction sets, tables."""
