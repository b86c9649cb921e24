"""Rules of running text: scripts, sentences, paragraphs."""
