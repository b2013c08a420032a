"""Layers of KerasHub that a recipe may name, with their arguments, known without KerasHub.

They have one input and one output, and neither this package nor Keras has the same by another name.
A test compares them with the KerasHub that is installed. `TransformerDecoder` in a list of layers
is the one without an encoder: self-attention in which no step sees those after it.
"""

from .catalog_rows import ArgumentRow, ArgumentRows, EntryRow

REQUIRED: ArgumentRow = {"required": True}
BLOCK: ArgumentRows = {
    "intermediate_dim": REQUIRED,
    "num_heads": REQUIRED,
    "dropout": {"default": 0},
    "activation": {"default": "relu"},
    "layer_norm_epsilon": {"default": 1e-05},
    "kernel_initializer": {"default": "glorot_uniform"},
    "bias_initializer": {"default": "zeros"},
    "normalize_first": {"default": False},
}
ROTARY: ArgumentRows = {
    "max_wavelength": {"default": 10000},
    "scaling_factor": {"default": 1.0},
    "rope_type": {"default": "linear", "type": "Literal['linear', 'dynamic', 'yarn']"},
    "beta_fast": {"default": 32.0, "type": "float"},
    "beta_slow": {"default": 1.0, "type": "float"},
    "original_max_position_embeddings": {"default": 4096, "type": "int"},
    "truncate": {"type": "bool"},  # whose default differs between versions
    "sequence_axis": {"default": 1, "type": "int"},
    "feature_axis": {"default": -1, "type": "int"},
    "denominator_dim": {"type": "int | None"},
}
TOKENS: ArgumentRows = {
    "vocabulary_size": REQUIRED,
    "sequence_length": {**REQUIRED, "type": "int"},
    "embedding_dim": REQUIRED,
    "tie_weights": {"default": True},
    "embeddings_initializer": {"default": "uniform"},
    "mask_zero": {"default": False},
}
# Name -> its class and arguments, as a row of `keras_api.json`.
HUB_LAYERS: dict[str, EntryRow] = {
    name: {"class": f"keras_hub.layers.{cls}", "arguments": arguments}
    for name, cls, arguments in (
        ("rotary_embedding", "RotaryEmbedding", ROTARY),
        ("token_and_position_embedding", "TokenAndPositionEmbedding", TOKENS),
        ("transformer_decoder", "TransformerDecoder", BLOCK),
        ("transformer_encoder", "TransformerEncoder", BLOCK),
    )
}
