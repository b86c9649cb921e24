"""Rebuild OpenAI's Whisper model from its CTranslate2 file: the same parameters under OpenAI's names.

Whisper's key projection has no bias, so that part of a fused bias must be zero.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from whisper.model import ModelDimensions, Whisper

from podcast_pipeline.errors import TranscriptionError
from podcast_pipeline.transcription.engines import ct2
from podcast_pipeline.transcription.engines.ct2 import HEAD_WIDTH, Variables, count_layers

Tensors = dict[str, torch.Tensor]

NORMS = {
    "attn_ln": "self_attention/layer_norm",
    "cross_attn_ln": "attention/layer_norm",
    "mlp_ln": "ffn/layer_norm",
}
LINEARS = {
    "attn.out": "self_attention/linear_1",
    "cross_attn.query": "attention/linear_0",
    "cross_attn.out": "attention/linear_2",
    "mlp.0": "ffn/linear_0",
    "mlp.2": "ffn/linear_1",
}
FUSED = {
    "attn": ("self_attention/linear_0", ("query", "key", "value")),
    "cross_attn": ("attention/linear_1", ("key", "value")),
}
OUTER_NORMS = {"encoder.ln_post": "encoder/layer_norm", "decoder.ln": "decoder/layer_norm"}
OUTER_LINEARS = {"encoder.conv1": "encoder/conv1", "encoder.conv2": "encoder/conv2"}
OUTER = {
    "decoder.token_embedding.weight": "decoder/embeddings/weight",
    "encoder.positional_embedding": "encoder/position_encodings/encodings",
    "decoder.positional_embedding": "decoder/position_encodings/encodings",
}


def load_openai_model(folder: Path) -> Whisper:
    """Return the model of a CTranslate2 folder in float32 on the CPU, with its alignment heads.

    Raises:
        TranscriptionError: model.bin is not an unquantised Whisper.
    """
    variables = ct2.read_variables(folder)
    state = dict(_tensors(variables))
    model = Whisper(_dimensions(state, variables))
    model.load_state_dict(state)
    model.register_buffer(
        "alignment_heads", _alignment_heads(folder, model.dims).to_sparse(), persistent=False
    )
    return model


def _tensors(variables: Variables) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield every parameter of the model under OpenAI's name."""
    for openai_name, ct2_name in OUTER.items():
        yield openai_name, _tensor(variables[ct2_name])
    for openai_name, ct2_name in OUTER_LINEARS.items():
        yield from _weight_and_bias(variables, openai_name, ct2_name, "weight", "bias")
    for openai_name, ct2_name in OUTER_NORMS.items():
        yield from _weight_and_bias(variables, openai_name, ct2_name, "gamma", "beta")
    for side in ("encoder", "decoder"):
        for layer in range(count_layers(variables, side)):
            yield from _layer_tensors(variables, f"{side}.blocks.{layer}", f"{side}/layer_{layer}")


def _layer_tensors(
    variables: Variables, openai_name: str, ct2_name: str
) -> Iterator[tuple[str, torch.Tensor]]:
    cross = f"{ct2_name}/attention/linear_0/weight" in variables
    for name, source in NORMS.items():
        if cross or "cross" not in name:
            yield from _weight_and_bias(
                variables, f"{openai_name}.{name}", f"{ct2_name}/{source}", "gamma", "beta"
            )
    for name, source in LINEARS.items():
        if cross or "cross" not in name:
            yield from _weight_and_bias(
                variables, f"{openai_name}.{name}", f"{ct2_name}/{source}", "weight", "bias"
            )
    for name, (source, parts) in FUSED.items():
        if cross or "cross" not in name:
            yield from _split_fused(variables, f"{openai_name}.{name}", f"{ct2_name}/{source}", parts)


def _weight_and_bias(
    variables: Variables, openai_name: str, ct2_name: str, weight: str, bias: str
) -> Iterator[tuple[str, torch.Tensor]]:
    yield f"{openai_name}.weight", _tensor(variables[f"{ct2_name}/{weight}"])
    yield f"{openai_name}.bias", _tensor(variables[f"{ct2_name}/{bias}"])


def _split_fused(
    variables: Variables, openai_name: str, ct2_name: str, parts: tuple[str, ...]
) -> Iterator[tuple[str, torch.Tensor]]:
    weights = _tensor(variables[f"{ct2_name}/weight"]).chunk(len(parts))
    biases = _tensor(variables[f"{ct2_name}/bias"]).chunk(len(parts))
    for part, weight, bias in zip(parts, weights, biases, strict=True):
        yield f"{openai_name}.{part}.weight", weight
        if part != "key":
            yield f"{openai_name}.{part}.bias", bias
        elif bias.any():
            raise TranscriptionError(
                ct2_name,
                "attention keys have a bias, so this is not a Whisper model; give another one",
            )


def _tensor(array: NDArray[np.generic]) -> torch.Tensor:
    return torch.from_numpy(array.astype(np.float32))


def _dimensions(state: Tensors, variables: Variables) -> ModelDimensions:
    vocabulary, width = state["decoder.token_embedding.weight"].shape
    return ModelDimensions(
        n_mels=state["encoder.conv1.weight"].shape[1],
        n_audio_ctx=state["encoder.positional_embedding"].shape[0],
        n_audio_state=width,
        n_audio_head=width // HEAD_WIDTH,
        n_audio_layer=count_layers(variables, "encoder"),
        n_vocab=vocabulary,
        n_text_ctx=state["decoder.positional_embedding"].shape[0],
        n_text_state=width,
        n_text_head=width // HEAD_WIDTH,
        n_text_layer=count_layers(variables, "decoder"),
    )


def _alignment_heads(folder: Path, dims: ModelDimensions) -> torch.Tensor:
    """Return the cross-attention heads that follow the audio, bool, shape (n_text_layer, n_text_head)."""
    heads = torch.zeros(dims.n_text_layer, dims.n_text_head, dtype=torch.bool)
    for layer, head in json.loads((folder / "config.json").read_text(encoding="utf-8"))["alignment_heads"]:
        heads[layer, head] = True
    return heads
