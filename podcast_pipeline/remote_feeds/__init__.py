"""Moving in: takes an existing show over, with its items as they are.

importing is the line; episode takes one item over, files their audio, pictures and chapters into the
store, show what the channel says into show.toml. No feed is written here; `podcast rebuild` does that.
"""
