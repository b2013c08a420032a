"""Presets of text as KerasHub saves them, made offline: tiny networks and their tokenizers."""

import string
from pathlib import Path
from typing import Any

WORDS = ("good", "bad", "film", "the", "a", "was", "very", "dull", "bright", "plot")
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
VOCABULARY = [*SPECIAL, *WORDS, "##s"]
SIZE: dict[str, Any] = {
    "num_layers": 1,
    "num_heads": 2,
    "hidden_dim": 8,
    "intermediate_dim": 8,
    "max_sequence_length": 16,
    "dropout": 0.0,
}


def save_wordpiece(hub: Any, folder: Path, kind: str = "Bert", **changed: Any) -> Any:
    """Save a preset of a network with a WordPiece tokenizer; returns the network.

    Args:
        kind: `Bert` or `DistilBert`.
        changed: arguments of the network.
    """
    size = {"vocabulary_size": len(VOCABULARY), **SIZE, **changed}
    network = getattr(hub.models, f"{kind}Backbone")(**size)
    network.save_to_preset(str(folder))
    tokenizer = getattr(hub.models, f"{kind}Tokenizer")(vocabulary=VOCABULARY, lowercase=True)
    tokenizer.save_to_preset(str(folder))
    return network


def save_byte_pairs(hub: Any, folder: Path, kind: str = "Roberta") -> Any:
    """Save a preset of a network with a byte-pair tokenizer; returns the network.

    Args:
        kind: `Roberta` or `GPT2`.
    """
    special = ["<s>", "<pad>", "</s>", "<mask>"] if kind == "Roberta" else ["<|endoftext|>", "<e>"]
    letters = ["Ġ", *string.ascii_letters]
    pairs = ["g o", "go o", "goo d", "b a", "ba d", "Ġ goo", "Ġgoo d"]
    tokens = [*special, *letters, *("".join(pair.split()) for pair in pairs)]
    if kind == "GPT2":
        tokens = ["!", *tokens]  # whose number is that of its padding
    vocabulary = {token: number for number, token in enumerate(dict.fromkeys(tokens))}
    network = getattr(hub.models, f"{kind}Backbone")(vocabulary_size=len(vocabulary), **SIZE)
    network.save_to_preset(str(folder))
    tokenizer = getattr(hub.models, f"{kind}Tokenizer")(vocabulary=vocabulary, merges=pairs)
    tokenizer.save_to_preset(str(folder))
    return network
