"""Open the store of show.toml; its class is imported on use, so that boto3 is loaded only for S3."""

import sys
from importlib import import_module

from podcast_pipeline.config import Config
from podcast_pipeline.errors import ConfigError
from podcast_pipeline.storage import Store

STORE_CLASSES = {
    "local": "podcast_pipeline.storage.local:LocalStore",
    "s3": "podcast_pipeline.storage.s3.store:S3Store",
}


def open_store(config: Config) -> Store:
    """Return the store configured in [storage].

    Raises:
        ConfigError: [storage] is incomplete, not supported by its provider, or a folder on Windows.
    """
    if config.storage.kind == "local" and sys.platform == "win32":
        message = (
            "a folder as the store needs Linux or macOS, whose links change body and headers at once; set "
            'kind = "s3" (docs/how-to/storage.md), or work in WSL'
        )
        raise ConfigError(f"{config.folder / 'show.toml'} [storage.kind]", message)
    module, name = STORE_CLASSES[config.storage.kind].split(":")
    store: Store = getattr(import_module(module), name).from_config(config)
    return store
