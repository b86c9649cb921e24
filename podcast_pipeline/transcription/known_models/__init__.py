"""The models that have a name: where they are published, with which bytes, and how fast they are here."""
