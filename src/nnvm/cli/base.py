"""What every command needs: the app, its common options, loading, printing, failing."""

import json
import math
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

from nnvm import report
from nnvm.errors import Error
from nnvm.ir import Graph
from nnvm.pipeline import backend as find_backend

DIFFERS = 3
"""Exit code of a result that is not equivalent."""

OVER = 4
"""Exit code of a result that is above the budget."""

_POINTED = re.compile(r"^\s*\^+\s*$", re.MULTILINE)

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="See, shrink, plan and run models."
)
errors = Console(stderr=True)

Model = Annotated[str, typer.Argument(metavar="MODEL", help="a model, by file type")]
Json = Annotated[bool, typer.Option("--json", help="print one JSON object on stdout and nothing else")]
Dims = Annotated[
    list[str] | None,
    typer.Option("--set-dim", metavar="NAME=INT", help="give an open dimension its size; repeat for more"),
]
Traceback = Annotated[bool, typer.Option("--traceback", help="show where an error was raised")]


def known_backend(name: str) -> str:
    """Return the name of a backend that is there; a usage error for any other."""
    try:
        find_backend(name)
    except Error as error:
        raise typer.BadParameter(str(error)) from error
    return name


def power_of_two(size: int) -> int:
    """Return an alignment; a usage error for a number that is none."""
    if size < 1 or size & (size - 1):
        raise typer.BadParameter(f"{size} is not a power of two")
    return size


class Io(StrEnum):
    """Who holds a graph's inputs and outputs."""

    EXTERNAL = "external"
    ARENA = "arena"


BackendName = Annotated[str, typer.Option("--backend", help="whose kernels run", callback=known_backend)]
Seed = Annotated[int, typer.Option("--seed", help="of random inputs")]
Range = Annotated[str | None, typer.Option("--range", metavar="LOW,HIGH", help="limits of random inputs")]


def fail(message: str, code: int = 1) -> NoReturn:
    """Print an error in one line, and below it what the message points at with a caret, and leave."""
    told, *rest = message.split("\n") if _POINTED.search(message) else [message]
    print("error: " + "\n".join([" ".join(told.split()), *rest]), file=sys.stderr)
    sys.exit(code)


@contextmanager
def working(what: str, quiet: bool = False) -> Iterator[None]:
    """Show what is being done, on a terminal only."""
    if quiet or not errors.is_terminal:
        yield
        return
    with errors.status(what):
        yield


def load(model: str, dims: Sequence[str] | None = None) -> Graph:
    """Load a model and give open dimensions their sizes."""
    from nnvm.frontends import load as read
    from nnvm.passes.infer_types import infer_types
    from nnvm.passes.set_dims import set_dims

    with working(f"loading {model}"):
        graph = infer_types(read_stdin() if model == "-" else read(model))
        binding = parse_dims(dims)
        return infer_types(set_dims(graph, binding)) if binding else graph


def load_program(path: str, binding: Mapping[str, int]) -> Any:
    """Load a saved Program, which has the dimensions that are given sizes."""
    program = report.load_program(path)
    known = {size for i in program.inputs for size in program.buffers[i].shape or () if isinstance(size, str)}
    if unknown := sorted(binding.keys() - known):
        told = f"it has {', '.join(sorted(known))}" if known else "all its sizes are fixed"
        fail(f"{path}: no dimension is called {', '.join(unknown)}; {told}")
    return program


def read_stdin() -> Graph:
    """Read a graph from stdin, as Python text or as JSON."""
    from nnvm.frontends.nnvm import parse
    from nnvm.frontends.nnvm.json import from_json

    text = sys.stdin.read()
    return from_json(text) if text.lstrip().startswith("{") else parse(text)


def parse_dim(text: str) -> tuple[str, int]:
    """Read NAME=INT."""
    name, equals, size = text.rpartition("=")
    if not equals or not name or not size.isdecimal():
        raise typer.BadParameter(f"{text!r} is not NAME=INT", param_hint="--set-dim")
    return name, int(size)


def parse_dims(texts: Sequence[str] | None) -> dict[str, int]:
    """Read any number of NAME=INT; a usage error where one name gets two sizes."""
    binding: dict[str, int] = {}
    for name, size in map(parse_dim, texts or ()):
        if binding.setdefault(name, size) != size:
            raise typer.BadParameter(f"{name} is {binding[name]} and {size}; give it one size", param_hint="--set-dim")
    return binding


def parse_range(text: str | None) -> tuple[float, float] | None:
    """Read LOW,HIGH: finite, and the first not above the second."""
    if text is None:
        return None
    try:
        low, high = map(float, text.split(","))
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not LOW,HIGH", param_hint="--range") from None
    if not low <= high or not math.isfinite(high - low):
        what = "two finite numbers, the first not above the second"
        raise typer.BadParameter(f"{text!r} is not LOW,HIGH: {what}", param_hint="--range")
    return low, high


def give(result: Mapping[str, Any], as_json: bool, draw: Callable[[Mapping[str, Any], Console], None]) -> None:
    """Print a result as JSON or as tables."""
    if as_json:
        print(json.dumps(report.plain(result)))
    else:
        draw(result, Console(highlight=False))
