"""Names that somebody accepted in a review, remembered for the show: review.json beside show.toml, in git."""

from pathlib import Path

from pydantic import ValidationError

from podcast_pipeline.config import Config
from podcast_pipeline.errors import ConfigError
from podcast_pipeline.files import write_atomically
from podcast_pipeline.model import FrozenModel
from podcast_pipeline.model.catalog import to_json

ACCEPTED_FILE = "review.json"
KIND = "unknown_names"


class AcceptedNames(FrozenModel):
    """Names that are right in every episode, sorted so that two producers' lists merge."""

    schema_version: int = 1
    names: tuple[str, ...] = ()

    @property
    def keys(self) -> frozenset[str]:
        """The keys of the review items that they answer."""
        return frozenset(f"{KIND}: {name}" for name in self.names)


def load_accepted_names(config: Config) -> AcceptedNames:
    """Return the names accepted so far.

    Raises:
        ConfigError: the file is damaged, or not merged to the end.
    """
    path = _path(config)
    try:
        return AcceptedNames.model_validate_json(path.read_bytes()) if path.is_file() else AcceptedNames()
    except ValidationError as error:
        message = f"cannot be read ({error.errors()[0]['msg']}); put it back from git, or delete it"
        raise ConfigError(path, message) from error


def accept_name(name: str, config: Config) -> None:
    """Remember a name as right, in this episode and all others."""
    names = sorted({*load_accepted_names(config).names, name})
    write_atomically(_path(config), to_json(AcceptedNames(names=tuple(names))))


def _path(config: Config) -> Path:
    return config.folder / ACCEPTED_FILE
