"""What a program is: flat steps over numbered buffers, between its inputs and its outputs."""

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, Final

from nnvm.errors import Error
from nnvm.runtime import wellformed
from nnvm.runtime.births import births, check_births
from nnvm.runtime.expressions import Expr, evaluate, leaves, show
from nnvm.runtime.formulas import Formulas
from nnvm.runtime.layout import Layout, layout
from nnvm.runtime.parts import ITEM_SIZES, KINDS, VERSION, Buffer, Bytes, Raw, Step, item_size, without_kernel

if TYPE_CHECKING:
    from nnvm.runtime.explain import Explanation

__all__ = [
    "ITEM_SIZES",
    "KINDS",
    "VERSION",
    "Buffer",
    "Bytes",
    "Expr",
    "Layout",
    "Program",
    "Raw",
    "Step",
    "evaluate",
    "item_size",
    "layout",
    "load",
]


class Program:
    """A graph made ready to run: it names kernels of one backend and nothing else of ours.

    `inputs` and `outputs` are buffer numbers; an input is called what its buffer is called. `constants` gives
    the bytes of every constant buffer, and the first content of those state buffers that do not start as
    zeros. `donated` lists the inputs whose memory the caller gives away, so that steps may write over it. `programs`
    are those that steps of the kernel CALL run. `peak` is the height of the arena in bytes. `born` gives, for each
    dimension that no input tells, the step that allocates and so decides it. Raises Error for anything that could not
    run.
    """

    __slots__ = (
        "_formulas",
        "alignment",
        "backend",
        "born",
        "buffers",
        "constants",
        "donated",
        "inputs",
        "meta",
        "output_names",
        "outputs",
        "peak",
        "programs",
        "steps",
        "version",
    )

    def __init__(
        self,
        backend: str,
        buffers: Sequence[Buffer],
        steps: Sequence[Step],
        inputs: Sequence[int],
        outputs: Sequence[int],
        *,
        output_names: Sequence[str] | None = None,
        constants: Mapping[int, Bytes] | None = None,
        programs: Sequence["Program"] = (),
        donated: Sequence[int] = (),
        peak: Expr = 0,
        alignment: int = 64,
        meta: Mapping[str, Any] | None = None,
        version: int = VERSION,
    ) -> None:
        self._formulas: Formulas | None = None
        self.version: Final = version
        self.backend: Final = backend
        self.buffers: Final = tuple(buffers)
        self.steps: Final = tuple(steps)
        self.inputs: Final = tuple(inputs)
        self.outputs: Final = tuple(outputs)
        self.constants: Final[Mapping[int, Bytes]] = dict(sorted((constants or {}).items()))
        self.programs: Final = tuple(programs)
        self.donated: Final = tuple(donated)
        self.peak: Final = peak
        self.alignment: Final = alignment
        self.meta: Final[Mapping[str, Any]] = dict(meta or {})
        names = (self.buffers[i].name for i in self.outputs if -1 < i < len(self.buffers))
        self.output_names: Final = tuple(names if output_names is None else output_names)
        wellformed.check(self)
        self.born: Final[Mapping[str, int]] = births(self.buffers, self.steps, self.inputs)
        check_births(self.buffers, self.steps, self.born)

    @property
    def formulas(self) -> Formulas:
        """What is computed whenever dimensions are bound: written down on the first call, and kept."""
        if self._formulas is None:
            self._formulas = Formulas(self)
        return self._formulas

    @property
    def without_kernel(self) -> dict[str, int]:
        """The operators of the steps that nothing can run, those of nested programs too, and how many of each."""
        return without_kernel(step for program in (self, *_nested(self)) for step in program.steps)

    @property
    def input_names(self) -> tuple[str, ...]:
        """The names that a caller gives the inputs by, in order."""
        return tuple(self.buffers[i].name for i in self.inputs)

    def bind(self, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, int]:
        """Give every dimension that the shapes of the inputs tell its value.

        Raises one Error that names, for each disagreement, the input, the axis, what it should be and what it is.
        """
        binding, problems = self.match(shapes)
        if problems:
            raise Error("; ".join(problems))
        return binding

    def match(self, shapes: Mapping[str, tuple[int, ...]]) -> tuple[dict[str, int], list[str]]:
        """Give every dimension that the shapes tell its value, and a sentence for each thing wrong with them."""
        binding: dict[str, int] = {}
        told_by: dict[str, str] = {}
        problems: list[str] = []
        compound: list[tuple[str, int, Expr, int]] = []
        for index in self.inputs:
            name, shape = self.buffers[index].name, self.buffers[index].shape
            if name not in shapes:
                problems.append(f"input {name!r} is missing")
                continue
            given = shapes[name]
            if shape is None:
                continue
            if len(shape) != len(given):
                problems.append(
                    f"input {name!r} should have {len(shape)} axes {_dims(shape)}, but has {len(given)}, {_dims(given)}"
                )
                continue
            for axis, (dim, size) in enumerate(zip(shape, given, strict=True)):
                where = f"input {name!r} axis {axis}"
                if isinstance(dim, tuple):
                    compound.append((where, axis, dim, size))
                elif isinstance(dim, str) and binding.setdefault(dim, size) == size:
                    told_by.setdefault(dim, where)
                elif isinstance(dim, str):
                    problems.append(f"{where} should be {dim} = {binding[dim]}, as {told_by[dim]} says, but is {size}")
                elif dim != size:
                    problems.append(f"{where} should be {dim}, but is {size}")
        problems.extend(_compare(compound, binding))
        return binding, problems

    def save(self, path: str | PathLike[str]) -> None:
        """Write the program and its constants to one file, whole or not at all; the same program, the same bytes."""
        from nnvm.runtime.saved import save

        save(self, path)

    @staticmethod
    def load(path: str | PathLike[str]) -> "Program":
        """Read a saved program; its constants stay in the file, mapped. Raises Error for a file that is not one."""
        return load(path)

    def explain(self, binding: Mapping[str, int] | None = None) -> "Explanation":
        """Say what is alive where the arena is fullest, who made it and what would lower it; see runtime.explain."""
        from nnvm.runtime.explain import explain

        return explain(self, binding)

    def __repr__(self) -> str:
        return f"<Program for {self.backend}: {len(self.steps)} steps over {len(self.buffers)} buffers>"


def load(path: str | PathLike[str]) -> Program:
    """Read a saved program; its constants stay in the file, mapped. Raises Error for a file that is not one."""
    from nnvm.runtime.saved import load as read

    return read(path)


def _nested(program: Program) -> list[Program]:
    """Return every program below one, each once."""
    found = list(dict.fromkeys(program.programs))
    seen = set(found)
    for each in found:
        fresh = [nested for nested in each.programs if nested not in seen]
        seen.update(fresh)
        found += dict.fromkeys(fresh)
    return found


def _compare(compound: Sequence[tuple[str, int, Expr, int]], binding: Mapping[str, int]) -> list[str]:
    problems: list[str] = []
    for where, _, dim, size in compound:
        unknown = sorted({str(name) for name in leaves(dim) if name not in binding})
        if unknown:
            problems.append(f"{where} is {show(dim)}, but no axis of any input is {', '.join(unknown)} alone")
            continue
        try:
            expected = evaluate(dim, binding)
        except Error as error:
            problems.append(f"{where}: {error}")
            continue
        if expected != size:
            problems.append(f"{where} should be {show(dim)} = {expected}, but is {size}")
    return problems


def _dims(shape: Sequence[Expr]) -> str:
    return f"[{', '.join(map(show, shape))}]"
