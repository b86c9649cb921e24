"""Which module may import which third-party library."""

import sys

import grimp
import pytest

HERE = "podcast_pipeline"
MAY_IMPORT = {
    "PIL": {"images", "audio.artwork", "feed.conformance.artwork"},
    "alembic": {"audience.database"},
    "anyio": {"web.threads"},
    "authlib": {"audience.oidc"},
    "av": {"audio.foreign", "audio.recording", "audio.source", "transcription.decode"},
    "boto3": {"storage.s3.store"},
    "botocore": {"storage.s3.store", "storage.s3.versions"},
    "brotli": {"web.content_coding"},
    "cachetools": {"web.catalog_cache"},
    "cryptography": {"audience.students.links"},
    "docx": {"transcript.documents", "transcript.typed.word_document"},
    "email_validator": {"audience.subscribers.email"},
    "faster_whisper": {"transcription.engines"},
    "feedgen": {"feed.atom", "feed.rss"},
    "filelock": {"episodes.library", "files"},
    "h11": {"web.connections.protocol"},
    "httpcore": {"remote_feeds.transport"},
    "httpx": {
        "audience.membership.sources.stripe_api",
        "audit.visitors",
        "cli.commands.audit",
        "pipeline.ping",
        "remote_feeds.client",
        "remote_feeds.json_client",
        "remote_feeds.transport",
        "storage.public_reader",
        "storage.upload",
    },
    "httpx2": {"transcription.hub"},
    "huggingface_hub": {"transcription.hub"},
    "idna": {"feed.show_notes", "feed.untrusted.addresses"},
    "imageio_ffmpeg": {"audio.ffmpeg"},
    "jellyfish": {"transcript.names.matching"},
    "joserfc": {"audience.oidc"},
    "jinja2": {"audience.account_mails.templates", "web.epub", "web.templating"},
    "langcodes": {"web.cards"},
    "limits": {"web.rate_limit"},
    "llvmlite": {"transcription.engines.openvino.kernels", "transcription.engines.openvino.precision"},
    "lxml": {"audit.episode_links", "audit.feeds", "feed", "transcript.typed.html_page"},
    "markupsafe": {"web"},
    "mutagen": {"audio.tags"},
    "mypy_boto3_s3": {"storage.s3"},
    "nh3": {"feed.show_notes", "feed.untrusted.harmless", "feed.visible_changes"},
    "numba": {"transcription.engines.openvino.kernels", "transcription.engines.openvino.precision"},
    "numpy": {
        "audio.limiter",
        "audio.recording",
        "audio.shifted_tracks",
        "audio.source",
        "diarization",
        "search",
        "transcription",
    },
    "openvino": {"diarization.networks", "transcription.engines.openvino", "transcription.vad"},
    "pydantic": {
        "audience.membership",
        "config",
        "diarization",
        "episodes",
        "model",
        "pipeline",
        "remote_feeds",
        "transcript",
        "transcription",
        "web.api",
        "web.routes.api",
    },
    "pydub": {"audio.inserts"},
    "pyromark": {"feed.show_notes"},
    "rapidfuzz": {"search.vocabulary", "transcript.accuracy", "transcript.edits", "transcript.names"},
    "regex": {
        "search",
        "transcript.captions",
        "transcript.leaks",
        "transcript.text",
        "transcript.typed.lines",
    },
    "rich": {"cli.output"},
    "scipy": {"diarization.clustering"},
    "segno": {"web.routes.add_to_app"},
    "slugify": {"episodes.create", "remote_feeds.importer"},
    "snowballstemmer": {"search.stems"},
    "spellchecker": {"transcript.names.word_lists"},
    "sqlalchemy": {
        "audience.database",
        "audience.jobs",
        "audience.account_mails.queue",
        "audience.oidc.matching",
        "audience.api",
        "audience.students",
        "audience.membership",
        "audience.subscribers",
        "cli.session",
        "pipeline.context",
        "search",
    },
    "standardwebhooks": {"audience.membership.sources.generic"},
    "starlette": {"web"},
    "threadpoolctl": {"diarization.senko", "transcription.scheduling"},
    "tokenizers": {"transcription.engines.openvino.engine"},
    "tomlkit": {
        "cli.commands.show",
        "episodes.create",
        "episodes.table_edit",
        "pipeline.words.review",
        "remote_feeds.show",
    },
    "torch": {"transcription.engines"},
    "typer": {"cli"},
    "uvicorn": {"web.connections.protocol", "web.server"},
    "whisper": {"transcription.engines"},
    "wordfreq": {"transcript.names.spelling", "transcript.names.word_lists"},
}
"""Library -> the modules and packages of ours that may import it; a package means all of its modules."""


@pytest.fixture(scope="module")
def importers() -> dict[str, set[str]]:
    """Every third-party library -> the modules of ours that import it, type checking included."""
    graph = grimp.build_graph(HERE, include_external_packages=True, cache_dir=None)
    found: dict[str, set[str]] = {}
    for module in graph.modules:
        if module.startswith(HERE):
            for imported in graph.find_modules_directly_imported_by(module):
                if not imported.startswith(HERE) and imported not in sys.stdlib_module_names:
                    found.setdefault(imported, set()).add(module.removeprefix(f"{HERE}."))
    return found


def test_every_library_has_a_line_and_every_line_a_library(importers: dict[str, set[str]]) -> None:
    """The table names all third-party libraries that the package imports, and no other."""
    assert sorted(importers) == sorted(MAY_IMPORT)


@pytest.mark.parametrize("library", MAY_IMPORT)
def test_a_library_is_imported_where_it_may_be(importers: dict[str, set[str]], library: str) -> None:
    """Only the modules of the table import a library, and each place of the table does."""
    allowed = MAY_IMPORT[library]
    found = importers[library]
    assert [m for m in sorted(found) if not any(f"{m}.".startswith(f"{a}.") for a in allowed)] == []
    assert [a for a in sorted(allowed) if not any(f"{m}.".startswith(f"{a}.") for m in found)] == []
