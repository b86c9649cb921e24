"""The Whisper models that have a name: where they are published, with which bytes, of which shape."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class ModelShape:
    """The size of a Whisper model.

    Attributes:
        n_mels: bins of a spectrogram.
        vocabulary: tokens.
        width: of every layer.
        encoder_layers: of the encoder.
        decoder_layers: of the decoder.
    """

    n_mels: int
    vocabulary: int
    width: int
    encoder_layers: int
    decoder_layers: int


@dataclass(frozen=True)
class PublishedModel:
    """A conversion to CTranslate2's format on the Hugging Face hub.

    Attributes:
        repository: owner and name.
        revision: commit of the repository.
        sha256: of model.bin; None where it is not known, so that the first one fetched is trusted.
        is_english_only: whatever its vocabulary has.
    """

    repository: str
    revision: str
    sha256: str | None
    shape: ModelShape
    is_english_only: bool = False


MULTILINGUAL, ENGLISH, MULTILINGUAL_V3 = 51865, 51864, 51866  # tokens; v3 has Cantonese too
SHAPES: Mapping[str, ModelShape] = MappingProxyType(
    {
        "tiny": ModelShape(80, MULTILINGUAL, 384, 4, 4),
        "tiny.en": ModelShape(80, ENGLISH, 384, 4, 4),
        "base": ModelShape(80, MULTILINGUAL, 512, 6, 6),
        "base.en": ModelShape(80, ENGLISH, 512, 6, 6),
        "small": ModelShape(80, MULTILINGUAL, 768, 12, 12),
        "small.en": ModelShape(80, ENGLISH, 768, 12, 12),
        "distil-small.en": ModelShape(80, ENGLISH, 768, 12, 4),
        "medium": ModelShape(80, MULTILINGUAL, 1024, 24, 24),
        "medium.en": ModelShape(80, ENGLISH, 1024, 24, 24),
        "distil-medium.en": ModelShape(80, ENGLISH, 1024, 24, 2),
        "large-v1": ModelShape(80, MULTILINGUAL, 1280, 32, 32),
        "large-v2": ModelShape(80, MULTILINGUAL, 1280, 32, 32),
        "distil-large-v2": ModelShape(80, MULTILINGUAL, 1280, 32, 2),
        "large-v3": ModelShape(128, MULTILINGUAL_V3, 1280, 32, 32),
        "large-v3-turbo": ModelShape(128, MULTILINGUAL_V3, 1280, 32, 4),
        "distil-large-v3": ModelShape(128, MULTILINGUAL_V3, 1280, 32, 2),
        "distil-large-v3.5": ModelShape(128, MULTILINGUAL_V3, 1280, 32, 2),
    }
)
"""Whisper's sizes, of openai-whisper's ModelDimensions and of Distil-Whisper's model cards."""

_ORIGINS: Mapping[str, tuple[str, str, str | None]] = {
    "tiny": (
        "Systran/faster-whisper-tiny",
        "d90ca5fe260221311c53c58e660288d3deb8d356",
        "dcb76c6586fc06cbdac6dd21f14cfd129cc4cdd9dce19bf4ffa62e59cbe6e6d1",
    ),
    "tiny.en": (
        "Systran/faster-whisper-tiny.en",
        "0d3d19a32d3338f10357c0889762bd8d64bbdeba",
        "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
    ),
    "base": (
        "Systran/faster-whisper-base",
        "ebe41f70d5b6dfa9166e2c581c45c9c0cfc57b66",
        "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
    ),
    "base.en": (
        "Systran/faster-whisper-base.en",
        "3d3d5dee26484f91867d81cb899cfcf72b96be6c",
        "2a166925539a16005f14ff328359f9b9adb9dc4fb631bb3b227526862e93e2ef",
    ),
    "small": (
        "Systran/faster-whisper-small",
        "536b0662742c02347bc0e980a01041f333bce120",
        "3e305921506d8872816023e4c273e75d2419fb89b24da97b4fe7bce14170d671",
    ),
    "small.en": (
        "Systran/faster-whisper-small.en",
        "d1d751a5f8271d482d14ca55d9e2deeebbae577f",
        "62b2a45b05ee59acb4a5341b33ee35e041395d378d418a18acfe4c9e768ee37a",
    ),
    "distil-small.en": (
        "Systran/faster-distil-whisper-small.en",
        "ef77d90526ccd62cde3808ee70626a01e5cf83e4",
        "1187de3982cdcf962a2fb8f797e429fb4651b875b18fe9ce50b58b52fc9072b7",
    ),
    "medium": (
        "Systran/faster-whisper-medium",
        "08e178d48790749d25932bbc082711ddcfdfbc4f",
        "9b45e1009dcc4ab601eff815b61d80e60ce3fd8c74c1a14f4a282258286b51ae",
    ),
    "medium.en": (
        "Systran/faster-whisper-medium.en",
        "a29b04bd15381511a9af671baec01072039215e3",
        "11b220779aea4c6f3ce9d2549c8a95ea869ed84066864b999531ef53e594fe5b",
    ),
    "distil-medium.en": (
        "Systran/faster-distil-whisper-medium.en",
        "80ddfce281f77766d8943d63109199fc8145dfa5",
        "d4cb75d823dcd2647191064da76f026774c06c036908f38456165368d0e2d66a",
    ),
    "large-v1": (
        "Systran/faster-whisper-large-v1",
        "b07c8d4be0be90092aa01a29c975077acb8d15c9",
        "a3cce8081a5414206ab09a80aa410ebf9965feef52adafeead13f4a83398b1d1",
    ),
    "large-v2": (
        "Systran/faster-whisper-large-v2",
        "f0fe81560cb8b68660e564f55dd99207059c092e",
        "bf2a9746382e1aa7ffff6b3a0d137ed9edbd9670c3b87e5d35f5e85e70d0333a",
    ),
    "distil-large-v2": (
        "Systran/faster-distil-whisper-large-v2",
        "fe9b404fc56de3f7c38606ef9ba6fd83526d05e4",
        None,
    ),
    "large-v3": (
        "Systran/faster-whisper-large-v3",
        "edaa852ec7e145841d8ffdb056a99866b5f0a478",
        "69f74147e3334731bc3a76048724833325d2ec74642fb52620eda87352e3d4f1",
    ),
    "large-v3-turbo": (
        "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
        "0a363e9161cbc7ed1431c9597a8ceaf0c4f78fcf",
        "e76620f83d5f5b69efd3d87e3dc180c1bd21df9fbebacfd4335e5e1efcc018da",
    ),
    "distil-large-v3": (
        "Systran/faster-distil-whisper-large-v3",
        "c3058b475261292e64a0412df1d2681c06260fab",
        "b79368e19b6623813609431a6e5ee309a71506701ebc49fd7820e692dec7c5f5",
    ),
    "distil-large-v3.5": (
        "distil-whisper/distil-large-v3.5-ct2",
        "9793ccc07920e0f830e1dba0343efcdf0ef8c903",
        "c58b88b8585ffcd2135fddaaf421ce72cb223b32edea70d156aed1dea319a119",
    ),
}
"""Name -> repository, revision, SHA-256 of model.bin; where they come from: docs/decisions.md."""


def _published(name: str) -> PublishedModel:
    is_english_only = name.startswith("distil-") or name.endswith(".en")
    return PublishedModel(*_ORIGINS[name], SHAPES[name], is_english_only)


PUBLISHED_MODELS: Mapping[str, PublishedModel] = MappingProxyType(
    {
        **{name: _published(name) for name in _ORIGINS},
        "large": _published("large-v3"),
        "turbo": _published("large-v3-turbo"),
    }
)
"""Every name that stands for a model, the smaller models first."""
