"""A process that computes curves of timm and transformers: JSON lines in, JSON lists out.

Both import torchvision where it is installed, some builds of which crash beside TensorFlow.
"""

import json
import sys
import warnings


def timm_curve(optimizer, count: int, name: str, arguments: dict) -> list[float]:
    """What a scheduler of timm sets for the first `count` steps."""
    import timm.scheduler

    made = getattr(timm.scheduler, name)(optimizer, **arguments)
    found = []
    for step in range(count):
        made.step(step)
        found.append(optimizer.param_groups[0]["lr"])
    return found


def transformers_curve(optimizer, count: int, name: str, arguments: dict) -> list[float]:
    """What a schedule of transformers gives for the first `count` updates."""
    import transformers

    rate, steps = optimizer.param_groups[0]["lr"], arguments.pop("steps")
    made = transformers.get_scheduler(name, optimizer, *steps, arguments or None)
    return [rate * made.lr_lambdas[0](step) for step in range(count)]


def curve(library: str, rate: float, **request) -> list[float]:
    """The curve of a request."""
    import torch

    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=rate)
    make = {"timm": timm_curve, "transformers": transformers_curve}[library]
    return make(optimizer, **request)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    for line in sys.stdin:
        print(json.dumps(curve(**json.loads(line))), flush=True)
