"""Two producers of one show."""

from pathlib import Path

import pytest

from tests.support.producers import Producer, prepare_origin, two_producers
from tests.support.show import ShowFolder


@pytest.fixture(scope="session")
def origin(published: ShowFolder, tmp_path_factory: pytest.TempPathFactory) -> ShowFolder:
    """A published show with numbered words; never change it, copy it."""
    return prepare_origin(published, tmp_path_factory.mktemp("producers") / "show")


@pytest.fixture
def producers(origin: ShowFolder, tmp_path: Path) -> tuple[Producer, Producer]:
    """Two producers, whose folders are equal to what is published."""
    return two_producers(origin, tmp_path)
