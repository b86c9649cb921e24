"""What is said of a recording that could not be decoded as a whole."""

from collections.abc import Iterator

from podcast_pipeline.model import Receipt

DAMAGE_REMARKS = {
    "skipped_s": "audio that cannot be decoded at {} s is left out",
    "silence_s": "{} s of silence stand for what is lost, so that later times are right",
    "stopped_s": "the transcript ends at {} s, where decoding stopped",
}
"""Option of a receipt, in seconds -> what is said of it."""


def damage_remarks(receipt: Receipt | None) -> Iterator[str]:
    """Yield a line for each fault in a receipt."""
    options = receipt.options if receipt else {}
    for name, remark in DAMAGE_REMARKS.items():
        if (seconds := options.get(name)) is not None:
            yield f"is damaged; {remark.format(seconds)}"
