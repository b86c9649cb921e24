"""Rules of running text, one each: scripts, sentences, paragraphs, seconds as a clock; and turns."""
