"""From show.toml to a store; the adapter is imported on use, so that nothing loads boto3 in vain."""

from importlib import import_module

from podcast_pipeline.config import Config
from podcast_pipeline.storage import Store

STORE_CLASSES = {
    "local": "podcast_pipeline.storage.local:LocalStore",
    "s3": "podcast_pipeline.storage.s3.store:S3Store",
}


def open_store(config: Config) -> Store:
    """Return the store that [storage] names.

    Raises:
        ConfigError: [storage] does not say enough, or asks for what its provider cannot do.
    """
    module, name = STORE_CLASSES[config.storage.kind].split(":")
    store: Store = getattr(import_module(module), name).from_config(config)
    return store
