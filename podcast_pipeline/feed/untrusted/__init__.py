"""What another host's feed says, made fit for ours: addresses, elements, notes, and items without audio."""
