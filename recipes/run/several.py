"""Several trainings of one recipe as parts of one run: members of an ensemble, or folds."""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import keras

from ... import disk
from ..build.images import decodable
from ..data import Data
from ..errors import RequestError
from ..record import directory as files
from ..record.directory import RunDirectory
from ..record.result import Member, Result, Status, StopReason
from ..spec import Recipe
from .failure import failure_of
from .reload import model_of


class Several(ABC):
    """The trainings of a recipe's networks, and the result of all, part by part.

    Attributes:
        word: what a part is called.
        folder: where the parts are, below the run.
    """

    word: str
    folder: str

    def __init__(self, recipe: Recipe, directory: RunDirectory):
        self.recipe = recipe
        self.directory = directory
        self.parts: list[Member] = []
        self.result = Result("running", str(directory.path), process=os.getpid())
        self.save_result()

    @abstractmethod
    def recipes(self) -> list[Recipe]:
        """The recipe of each part, without parts itself, so that its run is like any other."""

    @abstractmethod
    def measure(self, models: Sequence[keras.Model], data: Data) -> None:
        """Measure what was trained, and return the result with the metrics.

        Args:
            models: of the parts, and the average of them as the last.
            data: of the recipe.
        """

    def place(self, index: int) -> RunDirectory:
        """The run directory of a part, from 1."""
        return RunDirectory(self.directory / f"{self.folder}/{index}")

    def add(self, index: int, trained: Result) -> bool:
        """Add the result of a part; False if it is not completed, which ends the run."""
        member: Member = {
            "directory": trained.directory,
            "epochs": trained.epochs,
            "validation": trained.validation,
            "test": trained.test,
        }
        self.parts.append(member)
        self.result = replace(
            self.result,
            **{self.folder: list(self.parts)},
            epochs=self.result.epochs + trained.epochs,
            steps=self.result.steps + trained.steps,
            seconds=round(self.result.seconds + trained.seconds, 3),
        )
        completed = trained.status == "completed"
        if not completed:
            self.result = replace(
                self.result,
                status=trained.status,
                reason=f"{self.word} {index}: {trained.reason}",
                signal=trained.signal,
                stop_reason=trained.stop_reason,
            )
        self.save_result()
        return completed

    def finish(self, data: Data) -> None:
        """Average the parts, save the model, and measure it."""
        models = [model_of(self.place(index + 1)) for index in range(len(self.parts))]
        model = averaged(models, self.recipe.name)
        self.directory.write(files.MODEL, model.save)
        self.measure([*models, model], decodable(data))
        self.result = replace(
            self.result,
            status="completed",
            reason=f"all {len(models)} {self.word}s were trained",
            stop_reason=StopReason.ALL_EPOCHS,
        )
        self.save_result()

    def save_result(self) -> None:
        self.directory.write_result(self.result.to_json())

    @contextmanager
    def recorded_failure(self) -> Iterator[None]:
        """Record in `result.json` what ended the run early."""
        try:
            yield
        except OSError as error:
            self.directory.patience = 0.0
            self.end(
                "failed",
                f"{disk.explained(error)} `keras-recipes resume {self.directory.path}` continues "
                f"with the {self.word}s that are completed",
                failure_of(error),
            )
        except RequestError as error:
            if (self.directory / self.folder).exists():
                self.end("failed", f"{type(error).__name__}: {error}", StopReason.ERROR)
            else:
                # No step was trained, so that the directory is left as it was.
                disk.remove_file(self.directory / files.RESULT)
            raise
        except KeyboardInterrupt as error:
            self.end("interrupted", f"{type(error).__name__}: {error}", StopReason.SIGNAL)
            raise
        except BaseException as error:
            self.end("failed", f"{type(error).__name__}: {error}", StopReason.ERROR)
            raise

    def end(self, status: Status, reason: str, why: StopReason) -> None:
        """Record that the run has not ended normally, if the disk allows it."""
        self.result = replace(self.result, status=status, reason=reason, stop_reason=why)
        with suppress(OSError):
            self.save_result()


def averaged(models: Sequence[keras.Model], name: str) -> keras.Model:
    """One model whose output is the mean of the outputs of several, or each of its outputs.

    Models of arrays have one input, models of tables one for each column that they take; the
    average takes each column that one of them takes.
    """
    inputs: dict[str, keras.KerasTensor] = {}
    for name_of_input, tensor in (pair for model in models for pair in _inputs(model).items()):
        known = inputs.get(name_of_input)
        if known is None or (known.dtype, tensor.dtype) == ("float32", "float64"):
            made: Any = keras.Input(tensor.shape[1:], name=name_of_input, dtype=tensor.dtype)
            inputs[name_of_input] = made
    outputs = []
    for index, model in enumerate(models, start=1):
        columns = _inputs(model)
        # Layers of one model need different names.
        end = model.output if isinstance(model.output, dict) else model.outputs[0]
        part = keras.Model(_as_input(model, columns), end, name=f"member_{index}")
        converted = {key: _as_type(inputs[key], tensor.dtype) for key, tensor in columns.items()}
        outputs.append(part(_as_input(model, converted)))
    if isinstance(outputs[0], dict):
        mean = {
            end: keras.layers.Average(name=f"{end}_mean")([each[end] for each in outputs])
            for end in outputs[0]
        }
    else:
        mean = keras.layers.Average(name="mean")(outputs)
    return keras.Model(_as_input(models[0], inputs), mean, name=name)


def _inputs(model: keras.Model) -> dict[str, keras.KerasTensor]:
    """The inputs of a model by column; that of an array is called `rows`."""
    if isinstance(model.input, dict):
        return {tensor.name: tensor for tensor in model.inputs}
    return {"rows": model.inputs[0]}


def _as_input(
    model: keras.Model, tensors: dict[str, keras.KerasTensor]
) -> keras.KerasTensor | dict[str, keras.KerasTensor]:
    """Tensors in the form that a model takes: by name, or the only one."""
    return tensors if isinstance(model.input, dict) else tensors["rows"]


def _as_type(tensor: keras.KerasTensor, dtype: str) -> keras.KerasTensor:
    """A column as one of the models takes it: numbers may have 64 bits where it needs 32."""
    return tensor if tensor.dtype == dtype else keras.layers.Identity(dtype=dtype)(tensor)
