"""`model.backbone`: a network that stands in front of the layers, trained elsewhere or not.

Names and arguments of `keras.applications` are known here without Keras; a test compares them.
"""

import difflib
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from .choices import Arguments
from .fields import (
    Field,
    JSONSchema,
    boolean,
    either,
    failure,
    nothing,
    number,
    one_key,
    one_of,
    text,
    where,
)
from .file_arguments import local_file
from .nodes import is_dict, is_list
from .strict import details, invalid, unknown_keys
from .wording import listed

IMAGENET = "imagenet"
# What a preset of text has beside its network.
TOKENIZER = "tokenizer.json"


class Pixels(StrEnum):
    """How an application takes pixels of red, green and blue from 0 to 255."""

    SIGNED = "signed"  # x / 127.5 - 1
    CAFFE = "caffe"  # blue, green, red, less the means of ImageNet
    TORCH = "torch"  # from 0 to 1, less the means of ImageNet, over its deviations
    RAW = "raw"  # as they are: the network begins with the rest


@dataclass(frozen=True)
class BackboneChoice:
    """The name of a backbone with the arguments that a recipe gives it."""

    name: str
    arguments: Arguments = field(default_factory=dict[str, Any])

    @property
    def inference(self) -> bool:
        """Whether it computes as in inference while the layers behind it train."""
        return self.arguments.get("inference", False)


@dataclass(frozen=True)
class Application:
    """A network of `keras.applications`.

    Attributes:
        cls: its function there.
        pixels: what it takes.
        arguments: those that a recipe may give, beside `weights` and `size`.
        least: the smallest height and width that it takes.
    """

    cls: str
    pixels: Pixels
    arguments: dict[str, Field] = field(default_factory=dict[str, Field])
    least: int = 32


ALPHA = {"alpha": number(gt=0)}
V3 = {**ALPHA, "minimalistic": boolean()}
APPLICATIONS: dict[str, Application] = {
    **{f"densenet{n}": Application(f"DenseNet{n}", Pixels.TORCH) for n in (121, 169, 201)},
    **{f"efficientnet_b{n}": Application(f"EfficientNetB{n}", Pixels.RAW) for n in range(8)},
    **{
        f"efficientnet_v2_{n.lower()}": Application(f"EfficientNetV2{n}", Pixels.RAW)
        for n in ("B0", "B1", "B2", "B3", "S", "M", "L")
    },
    "inception_resnet_v2": Application("InceptionResNetV2", Pixels.SIGNED, least=75),
    "inception_v3": Application("InceptionV3", Pixels.SIGNED, least=75),
    "mobilenet": Application("MobileNet", Pixels.SIGNED, ALPHA),
    "mobilenet_v2": Application("MobileNetV2", Pixels.SIGNED, ALPHA),
    "mobilenet_v3_large": Application("MobileNetV3Large", Pixels.RAW, V3),
    "mobilenet_v3_small": Application("MobileNetV3Small", Pixels.RAW, V3),
    "nasnet_large": Application("NASNetLarge", Pixels.SIGNED),
    "nasnet_mobile": Application("NASNetMobile", Pixels.SIGNED),
    **{f"resnet{n}": Application(f"ResNet{n}", Pixels.CAFFE) for n in (50, 101, 152)},
    **{f"resnet{n}_v2": Application(f"ResNet{n}V2", Pixels.SIGNED) for n in (50, 101, 152)},
    "vgg16": Application("VGG16", Pixels.CAFFE),
    "vgg19": Application("VGG19", Pixels.CAFFE),
    "xception": Application("Xception", Pixels.SIGNED, least=71),
}
SIZE = where(
    lambda value: (
        value is None
        or (is_list(value) and [type(side) is int and side > 0 for side in value] == [True] * 2)
    ),
    "expected a height and a width, such as `[96, 96]`, or null.",
    {
        "type": ["array", "null"],
        "minItems": 2,
        "maxItems": 2,
        "items": {"type": "integer", "minimum": 1},
    },
)
# Whether it computes as in inference while the layers behind it train.
INFERENCE = {"inference": boolean()}
COMMON = {
    "weights": either(one_of(IMAGENET), nothing(), local_file()),
    "size": SIZE,
    **INFERENCE,
}
# A name with a scheme or a path would be fetched from elsewhere.
PRESET = re.compile(r"[A-Za-z0-9_.-]+")
# Backbones from elsewhere: their arguments, and those of them that must be given.
OTHERS: dict[str, tuple[dict[str, Field], tuple[str, ...]]] = {
    "saved": (
        {"path": local_file(), "until": either(text(), nothing()), **INFERENCE},
        ("path",),
    ),
    "hub": (
        {
            "name": where(
                lambda value: type(value) is str and PRESET.fullmatch(value) is not None,
                "expected the name of a preset, such as `resnet_18_imagenet`.",
                {"type": "string", "pattern": f"^{PRESET.pattern}$"},
            ),
            "path": local_file(),
            "weights": either(one_of("preset"), nothing()),
            "size": SIZE,
            "output": one_of("pooled", "mean", "sequence"),
            **INFERENCE,
        },
        (),
    ),
}
EXPECTED = (
    "expected a network of `keras.applications`, such as `mobilenet_v2`, `hub: {name: ...}`, "
    "`saved: {path: ...}`, or null."
)


def _check(value: object) -> BackboneChoice | None:
    if value is None or isinstance(value, BackboneChoice):
        return value
    given: object = None
    written: tuple[str, ...] = ()
    if isinstance(value, str):
        name = _known(value)
    elif is_dict(value) and len(value) == 1:
        key, given = next(iter(value.items()))
        written = (str(key),)
        try:
            name = _known(key)
        except ValueError as error:
            raise invalid(details(written, error)) from None
    else:
        raise failure("choice", EXPECTED, received=value)
    if given is None:
        given = {}
    fields, required = arguments_of(name)
    if not is_dict(given):
        wrong = f"expected a mapping with {listed(list(fields))}."
        raise invalid(details(written, failure("arguments", wrong, received=given)))
    mistakes = unknown_keys(given, fields, written, what="argument")
    for key in (key for key in required if key not in given):
        mistakes += details((*written, key), failure("missing", "is missing."))
    found: dict[str, Any] = {}
    for key in (key for key in given if key in fields):
        try:
            found[key] = fields[key].validate(given[key])
        except ValueError as error:
            mistakes += details((*written, key), error)
    if name == "hub" and not mistakes and len({"name", "path"} & set(given)) != 1:
        wrong = "expected one of `name`, of a preset of KerasHub, and `path`, of a preset's folder."
        mistakes += details(written, failure("arguments", wrong, received=given))
    if mistakes:
        raise invalid(mistakes)
    return BackboneChoice(name, found)


def _known(name: object) -> str:
    names = [*APPLICATIONS, *OTHERS]
    if isinstance(name, str) and name in names:
        return name
    close = difflib.get_close_matches(str(name), names, n=3, cutoff=0.6)
    hint = f"Did you mean {listed(close)}?" if close else f"There are {listed(names)}."
    raise failure("name", f"there is no backbone `{name}`.", hint=hint)


def arguments_of(name: str) -> tuple[dict[str, Field], tuple[str, ...]]:
    """The arguments of a backbone, and those that must be given."""
    if name in OTHERS:
        return OTHERS[name]
    return {**COMMON, **APPLICATIONS[name].arguments}, ()


def _schema() -> JSONSchema:
    properties = {
        name: {
            "type": ["object", "null"],
            "additionalProperties": False,
            "properties": {key: row.schema for key, row in arguments_of(name)[0].items()},
            "required": list(arguments_of(name)[1]),
        }
        for name in (*APPLICATIONS, *OTHERS)
    }
    names = {"enum": list(APPLICATIONS)}
    return {"anyOf": [{"type": "null"}, names, one_key(properties)]}


BACKBONE = Field(_check, EXPECTED, _schema())


def file_of(backbone: BackboneChoice | None) -> tuple[str, str] | None:
    """The argument of a backbone that names a file or folder, with its value; None of no file."""
    if backbone is None:
        return None
    key = "path" if backbone.name in OTHERS else "weights"
    value = backbone.arguments.get(key)
    return None if value in (None, IMAGENET) else (key, str(value))
