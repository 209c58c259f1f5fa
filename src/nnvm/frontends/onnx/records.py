"""What a file says that changes no answer, kept so that it can be written back."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from nnvm.ir.provenance import MADE_BY, SOURCES, VANISHED
from nnvm.ir.types import Type


class Origin:
    """Where a node came from: its own name, the names of its outputs, and what was noted on it."""

    __slots__ = ("constant", "doc", "metadata", "name", "outputs")
    name: Final[str]
    outputs: Final[tuple[str, ...]]
    doc: Final[str]
    metadata: Final[tuple[tuple[str, str], ...]]
    constant: Final[bool]

    def __init__(
        self,
        name: str,
        outputs: tuple[str, ...] = (),
        doc: str = "",
        metadata: tuple[tuple[str, str], ...] = (),
        constant: bool = False,
    ) -> None:
        self.name, self.outputs, self.doc, self.metadata, self.constant = name, outputs, doc, metadata, constant

    def __reduce__(self) -> "tuple[Callable[..., Origin], tuple[Any, ...]]":
        return Origin, (self.name, self.outputs, self.doc, self.metadata, self.constant)

    def __repr__(self) -> str:
        return f"Origin({self.name!r})"


class Header:
    """What a file says around its nodes.

    `model` is the file's ModelProto without nodes, weights and types; `ports` maps an input or output to our type of it
    and to the file's ValueInfoProto, which is written back while our type stays; `fed` names the initializers that are
    inputs as well.
    """

    __slots__ = ("dims", "external", "fed", "model", "opset", "ports")
    model: Final[bytes]
    opset: Final[int]
    ports: Final[Mapping[tuple[str, str], tuple[Type | None, bytes]]]
    dims: Final[frozenset[str]]
    fed: Final[tuple[str, ...]]
    external: Final[bool]

    def __init__(
        self,
        model: bytes,
        opset: int,
        ports: Mapping[tuple[str, str], tuple[Type | None, bytes]],
        dims: frozenset[str],
        fed: tuple[str, ...],
        external: bool,
    ) -> None:
        self.model, self.opset, self.ports = model, opset, ports
        self.dims, self.fed, self.external = dims, fed, external

    def __reduce__(self) -> "tuple[Callable[..., Header], tuple[Any, ...]]":
        return Header, (self.model, self.opset, self.ports, self.dims, self.fed, self.external)

    def __repr__(self) -> str:
        return f"Header(opset={self.opset})"


ONNX: Final = "onnx"
"""The hint under which a node keeps its Origin, and a graph its Header."""
POSITION: Final = "position"
"""The hint that says where in its file a node stood."""

_KEYS: Final = {"nnvm.sources": SOURCES, "nnvm.made_by": MADE_BY, "nnvm.vanished": VANISHED}
"""The keys of metadata that keep provenance in a file, as JSON, and the hints that hold it."""


def read_provenance(metadata: Iterable[tuple[str, str]]) -> tuple[tuple[tuple[str, str], ...], dict[str, Any]]:
    """Split a file's metadata into what is not ours, and hints; what is not as we write it counts as not ours."""
    rest: list[tuple[str, str]] = []
    hints: dict[str, Any] = {}
    for key, text in metadata:
        value = _texts(text) if key in _KEYS else None
        if value is None or isinstance(value, dict) != (_KEYS[key] == VANISHED):
            rest.append((key, text))
        else:
            hints[_KEYS[key]] = value
    return tuple(rest), hints


def _texts(text: str) -> Any:
    """Read a list of texts as a tuple, or an object from texts to texts; None for anything else."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    values = found.values() if isinstance(found, dict) else found if isinstance(found, list) else (0,)
    if not all([isinstance(value, str) for value in values]):
        return None
    return found if isinstance(found, dict) else tuple(found)


def write_provenance(hints: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """Return the metadata that keeps what hints tell of provenance."""
    return [(key, json.dumps(hints[name], ensure_ascii=False)) for key, name in _KEYS.items() if hints.get(name)]
