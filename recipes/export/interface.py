"""What goes into an exported file and what comes out."""

from dataclasses import asdict, dataclass
from enum import StrEnum

from ..errors import RequestError
from ..record.contents import JSONObject
from .kinds import Format, WeightPrecision


class PreprocessingPlace(StrEnum):
    """Where columns become numbers.

    `INSIDE` the file, `BESIDE` it, by what its proof says of each column, or `NONE` where rows are
    numbers.
    """

    INSIDE = "inside"
    BESIDE = "beside"
    NONE = "none"


@dataclass(frozen=True)
class Port:
    """An input or output.

    Attributes:
        name: a column, or what the network calls it.
        port: its name in the file.
        shape: of one row.
        dtype: NumPy's name, or `string`.
    """

    name: str
    port: str
    shape: tuple[int | None, ...]
    dtype: str


@dataclass(frozen=True)
class Interface:
    """What a file takes and gives.

    Attributes:
        format: of the file.
        precision: of its weights.
        batch: rows that it takes at a time; None for any number.
        preprocessing: where columns become numbers.
        inputs: of the file.
        outputs: of the file.
        columns: what a user gives: columns by name, or `rows`.
    """

    format: Format
    precision: WeightPrecision
    batch: int | None
    preprocessing: PreprocessingPlace
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    columns: tuple[Port, ...]

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: JSONObject, where: str) -> "Interface":
        """The interface of a proof, which may come from a stranger.

        Raises:
            RequestError: it is none.
        """
        try:
            batch = value["batch"]
            if batch is not None and not (isinstance(batch, int) and 0 < batch <= 1 << 20):
                raise ValueError("its batch is no size")
            return cls(
                Format(value["format"]),
                WeightPrecision(value["precision"]),
                batch,
                PreprocessingPlace(value["preprocessing"]),
                *(tuple(map(_port, value[name])) for name in ("inputs", "outputs", "columns")),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise RequestError(
                f"{where}: its proof does not say what the model takes: {str(error)[:200]}."
            ) from None


def _port(value: JSONObject) -> Port:
    shape = tuple(None if size is None else int(size) for size in value["shape"])
    return Port(str(value["name"]), str(value["port"]), shape, str(value["dtype"]))
