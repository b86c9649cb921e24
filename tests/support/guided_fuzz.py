"""Coverage-guided fuzzing of a parser: `-m tests.support.guided_fuzz NAME FOLDER SECONDS` (CPU time).

libFuzzer, by atheris, mutates inputs towards unreached code. It exits with 0 and the figures when it found
nothing, else with the exception, and writes the input into FOLDER.
"""

import os
import resource
import sys
import time
from pathlib import Path

import atheris

LONGEST_BYTES = 4096
LIMITS = (f"-max_len={LONGEST_BYTES}", "-timeout=1200", "-rss_limit_mb=1500", "-seed=7", "-verbosity=0")


def main() -> None:
    """Fuzz from the sample for the given CPU time."""
    name, folder, limit_s = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])
    with atheris.instrument_imports(include=["podcast_pipeline"]):
        from tests.support.parsers import PARSERS, reads_or_refuses

    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    (corpus / "sample").write_bytes(PARSERS[name].sample)
    count, until_s = 0, time.process_time() + limit_s

    def feed(data: bytes) -> None:
        nonlocal count
        if time.process_time() > until_s:
            peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1000
            print(f"{name}: {count} guided inputs in {limit_s:.0f} s, {peak_mb} MB at most", flush=True)  # noqa: T201
            os._exit(0)
        count += 1
        reads_or_refuses(PARSERS[name], data)

    atheris.Setup([sys.argv[0], *LIMITS, f"-artifact_prefix={folder}/found-", str(corpus)], feed)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
