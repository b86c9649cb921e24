"""podcast-pipeline: from a recording to a feed, a page and a gated transcript.

    import podcast_pipeline as pp

    show = pp.open_show("myshow")
    pp.publish(show, "the-hearing")

docs/explanation/architecture.md shows the rooms of the package, docs/reference/api.md the names below.
Importing the package loads none of them; a name is loaded when it is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from podcast_pipeline.errors import PodcastError
    from podcast_pipeline.feed.conformance import check_feed
    from podcast_pipeline.feed.rss import render_feed
    from podcast_pipeline.model import Episode, Show, Transcript
    from podcast_pipeline.pipeline.context import Context, open_show
    from podcast_pipeline.pipeline.publish import publish
    from podcast_pipeline.pipeline.words.transcribe import transcribe
    from podcast_pipeline.transcript.captions.formats import render_captions

__version__ = "0.1.0"

__all__ = [
    "Context",
    "Episode",
    "PodcastError",
    "Show",
    "Transcript",
    "__version__",
    "check_feed",
    "open_show",
    "publish",
    "render_captions",
    "render_feed",
    "transcribe",
]

_MODULES = {
    "Context": "pipeline.context",
    "Episode": "model",
    "PodcastError": "errors",
    "Show": "model",
    "Transcript": "model",
    "check_feed": "feed.conformance",
    "open_show": "pipeline.context",
    "publish": "pipeline.publish",
    "render_captions": "transcript.captions.formats",
    "render_feed": "feed.rss",
    "transcribe": "pipeline.words.transcribe",
}


def __getattr__(name: str) -> object:
    """Load a public name on its first use."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
