"""Engines send no telemetry."""

import subprocess
import sys

CODE = """
import socket, sys
def refuse(*_): raise AssertionError("a connection was tried")
socket.socket.connect = refuse
socket.getaddrinfo = refuse
import podcast_pipeline.transcription.engines.openvino.encoder
from openvino.tools import ovc
print(type(ovc.telemetry).__module__, sys.modules["openvino_telemetry"])
"""


def test_loading_the_openvino_engine_sends_nothing() -> None:
    """Its maker's telemetry is replaced by the stub that openvino brings for that case."""
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["openvino.tools.ovc.telemetry_stub", "None"]
