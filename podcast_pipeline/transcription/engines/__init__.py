"""Speech recognition engines, one adapter each."""
