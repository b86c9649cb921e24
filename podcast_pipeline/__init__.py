"""podcast-pipeline: from a recording to a feed, a page and a gated transcript.

`publish` is the straight line; nouns (`model`, `catalog`, `transcript`, `feed`, `access`) are pure;
stages (`library`, `minting`, `transcribers`, `audio`, `stores`) have the effects; the audience rooms
(`database`, `subscribers`, `reader`) serve what was published; `cli` builds the parts and prints.
"""

__version__ = "0.1.0"
