"""The words of an episode: transcribed, corrected, reviewed, measured."""
