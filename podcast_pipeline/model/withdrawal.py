"""What was taken back after publication: the catalog keeps when, how far and why, never the words."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from podcast_pipeline.model.audio import Cut
from podcast_pipeline.model.fields import Instant, NonEmptyStr, Seconds, Sha256, StoredModel

WithdrawalKind = Literal["version", "passage", "episode"]

Salt = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


class MediaSpan(StoredModel):
    """A stretch of the published audio, in media times, end excluded."""

    start_s: Seconds
    end_s: Seconds

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.end_s <= self.start_s:
            raise ValueError("a passage ends after it starts")
        return self


class WordHashes(StoredModel):
    """Salted hashes of runs of words, by which the words are recognised and from which nobody reads them.

    Attributes:
        salt: random, of this withdrawal alone.
        run_words: the number of words in a run.
        slow: a run is so short that it could be guessed, so each hash costs some 50 ms (scrypt).
        hashes: hex, sorted.
    """

    salt: Salt
    run_words: Annotated[int, Field(ge=1)]
    slow: bool = False
    hashes: tuple[NonEmptyStr, ...] = ()


class Withdrawal(StoredModel):
    """One withdrawal of an episode.

    Attributes:
        kind: one version of the words, a passage in every version, or the episode with its audio.
        versions: numbers of the versions that were withdrawn.
        public_reason: readers may see it; empty without one.
        span: of a passage; where the audio is silent.
        source_sha256, muted: the recording, and its seconds that no later master may contain.
        words: None where there was nothing to recognise.
        pending_keys: of withdrawn objects that are still to be removed.
    """

    kind: WithdrawalKind
    withdrawn_at: Instant
    versions: tuple[int, ...] = ()
    public_reason: str = ""
    span: MediaSpan | None = None
    source_sha256: Sha256 | None = None
    muted: tuple[Cut, ...] = ()
    words: WordHashes | None = None
    pending_keys: tuple[NonEmptyStr, ...] = ()
