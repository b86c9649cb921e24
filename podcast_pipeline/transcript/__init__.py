"""Everything pure about words: captions in five formats, times on the media, leaks of secret text."""
