"""What makes a program well formed: references that exist, one writer a buffer, values that can be saved."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from nnvm.errors import Error
from nnvm.runtime.expressions import LARGEST, leaves, parse
from nnvm.runtime.parts import CALL, KINDS, NO_KERNEL, VERSION, Buffer, Step, item_size

if TYPE_CHECKING:
    from nnvm.runtime.program import Program

DEEPEST_VALUE: Final = 32


def check(program: "Program") -> None:
    """Raise Error, naming the buffer or step, for a program that could not run at any binding. Takes linear time."""
    if program.version != VERSION:
        raise Error(f"a program of version {program.version!r}; this nnvm runs version {VERSION}: compile it again")
    alignment = program.alignment
    if type(alignment) is not int or not 0 < alignment <= 2**20 or alignment & (alignment - 1):
        raise Error(f"the alignment is {alignment!r}; it must be a power of two up to 2**20")
    _text(program.backend, "the backend")
    for index, buffer in enumerate(program.buffers):
        _check_buffer(index, buffer, program.buffers)
    _check_views(program.buffers)
    writers: dict[int, int] = {}
    for index, step in enumerate(program.steps):
        _check_step(index, step, program.buffers, program.donated)
        if step.kernel == CALL:
            _check_call(_step(index, step), step, program)
        for written in step.outputs:
            if writers.setdefault(written, index) != index:
                raise Error(
                    f"{_step(index, step)} writes buffer {written}, which step {writers[written]} wrote already"
                )
    _check_doors(program, writers)
    _check_constants(program)
    parse(program.peak, ends=len(program.buffers))
    check_value(dict(program.meta), "meta")


def _check_buffer(index: int, buffer: Buffer, buffers: Sequence[Buffer]) -> None:
    what = f"buffer {index} ({buffer.name!r:.60})"
    if not isinstance(buffer.name, str):
        raise Error(f"buffer {index} is named {buffer.name!r:.60}; a name is text")
    if buffer.kind not in KINDS:
        raise Error(f"{what} is of kind {buffer.kind!r}; the kinds are {', '.join(KINDS)}")
    item_size(buffer.dtype)
    parse(buffer.offset, ends=len(buffers))
    for dim in buffer.shape or ():
        if isinstance(parse(dim), int) and not 0 <= dim <= LARGEST:  # type: ignore[operator]
            raise Error(f"{what} has a dimension of {dim}; one lies between 0 and 2**48")
    if buffer.shape is None and (buffer.kind not in ("dynamic", "output", "input") or buffer.alias_of is not None):
        raise Error(f"{what} needs a shape: only an input and what a kernel allocates may be measured at run")
    if buffer.kind == "state" and any(type(dim) is not int for dim in buffer.shape or ()):
        raise Error(f"{what} is state, which outlives a call, so its shape must not depend on dimensions")
    if buffer.alias_of is None:
        if buffer.view_of is not None:
            raise Error(f"{what} shows buffer {buffer.view_of} but is no alias: give its root as `alias_of`")
        if buffer.kind != "arena" and buffer.offset != 0:
            raise Error(f"{what} lies outside the arena, so its offset must be 0")
        return
    if any(isinstance(leaf, tuple) for leaf in leaves(buffer.offset)):
        raise Error(f"{what} is an alias: its offset counts from its root and cannot build on ends")
    root = _at(buffers, buffer.alias_of, what)
    if root.alias_of is not None or root.kind != buffer.kind:
        raise Error(f"{what} must be an alias of a root of its own kind, {buffer.kind}, not of {buffer.alias_of}")
    if root.shape is None:
        raise Error(f"{what} is an alias of buffer {buffer.alias_of}, whose size only a run knows")


def _check_views(buffers: Sequence[Buffer]) -> None:
    """Refuse views across roots, and views that show each other in a circle."""
    grounded = [buffer.view_of is None for buffer in buffers]
    for index in range(len(buffers)):
        path: list[int] = []
        at = index
        while not grounded[at]:
            path.append(at)
            shown = buffers[at].view_of
            what = f"buffer {at} ({buffers[at].name!r:.60})"
            target = _at(buffers, shown, what)
            root = shown if target.alias_of is None else target.alias_of
            if root != buffers[at].alias_of:
                raise Error(f"{what} shows buffer {shown}, which is no part of its root {buffers[at].alias_of}")
            if len(path) > len(buffers):
                raise Error(f"{what} shows itself, through the buffers it is a view of")
            at = shown  # type: ignore[assignment]
        for done in path:
            grounded[done] = True


def _check_step(index: int, step: Step, buffers: Sequence[Buffer], donated: Sequence[int]) -> None:
    _text(step.kernel, f"the kernel of step {index}")
    what = _step(index, step)
    if not isinstance(step.name, str) or type(step.allocates) is not bool:
        raise Error(f"{what} needs a name that is text and an `allocates` that is true or false")
    for read in step.inputs:
        if read is not None:
            _at(buffers, read, what)
    if len(set(step.outputs)) != len(step.outputs):
        raise Error(f"{what} writes one buffer twice")
    for written in step.outputs:
        _check_output(what, step, written, _at(buffers, written, what), donated)
    _check_sharing(what, step)
    if step.scratch is not None:
        scratch = _at(buffers, step.scratch, what)
        if scratch.kind != "arena" or scratch.alias_of is not None:
            raise Error(f"{what} has buffer {step.scratch} for scratch, which is no root in the arena")
    if any(isinstance(leaf, tuple) for leaf in leaves(parse(step.workspace))):
        raise Error(f"{what} wants a workspace that depends on where buffers end")
    for earlier in step.waits:
        if type(earlier) is not int or not 0 <= earlier < index:
            raise Error(f"{what} waits for step {earlier!r}, which is no earlier step")
    check_value(dict(step.params), what)
    if step.kernel == NO_KERNEL:
        _check_without_kernel(what, step)


def _check_without_kernel(what: str, step: Step) -> None:
    """Refuse a step that nothing can run and that does not say what it stands for, or relies on what a kernel does."""
    _text(step.params.get("operator"), f"the operator of {what}")
    if len(step.params) != 1 or step.inplace or step.joins or step.workspace != 0 or step.scratch is not None:
        raise Error(f"{what} has no kernel, so it has no workspace, writes over nothing and has no other param")


def _check_sharing(what: str, step: Step) -> None:
    """Refuse inputs to write over that the step does not read, and a join of anything but parts into one output."""
    wrong = [i for i in step.inplace if type(i) is not int or not 0 <= i < len(step.inputs) or step.inputs[i] is None]
    if wrong:
        raise Error(f"{what} may write over input {wrong[0]!r:.60}, which it does not read")
    if step.inplace and (step.allocates or not step.outputs):
        raise Error(f"{what} may write over inputs, but writes into no buffer")
    if type(step.joins) is not bool:
        raise Error(f"{what} needs a `joins` that is true or false")
    if step.joins and (step.allocates or step.inplace or len(step.outputs) != 1 or None in step.inputs):
        raise Error(f"{what} joins, so it writes one buffer out of parts that are all there, and over none of them")


def _check_call(what: str, step: Step, program: "Program") -> None:
    """Refuse a call of a nested program that is not there, or whose inputs and outputs are others."""
    number = step.params.get("program")
    if type(number) is not int or not 0 <= number < len(program.programs):
        raise Error(f"{what} runs program {number!r:.60}, but {len(program.programs)} are nested here")
    nested = program.programs[number]
    if len(step.params) != 1 or step.allocates or step.joins or step.inplace or None in step.inputs:
        raise Error(f"{what} runs a program: it takes all its inputs and writes planned outputs, with no other param")
    if nested.backend != program.backend or program.alignment % nested.alignment:
        raise Error(f"{what} runs a program for {nested.backend!r:.60} that is aligned to {nested.alignment}")
    if nested.donated or any(buffer.kind == "state" for buffer in nested.buffers):
        raise Error(f"{what} runs a program that keeps state or takes its inputs' memory; only the outermost one may")
    for side, ours, theirs in (("inputs", step.inputs, nested.inputs), ("outputs", step.outputs, nested.outputs)):
        mine = [program.buffers[i].dtype for i in ours if i is not None]
        if mine != [nested.buffers[i].dtype for i in theirs]:
            raise Error(f"{what} has the {side} {', '.join(mine) or 'none'}, which are not those of its program")
    if any(nested.buffers[i].kind != "output" for i in nested.outputs):
        raise Error(f"{what} runs a program whose outputs are sized at run; only the outermost one may have such")


def _check_output(what: str, step: Step, written: int, buffer: Buffer, donated: Sequence[int]) -> None:
    root = written if buffer.alias_of is None else buffer.alias_of
    if buffer.kind == "constant" or (buffer.kind == "input" and (root not in donated or root == written)):
        raise Error(f"{what} writes buffer {written}, which belongs to the caller: it is {buffer.kind}")
    if buffer.view_of is not None:
        raise Error(f"{what} writes buffer {written}, which only shows buffer {buffer.view_of}")
    if step.allocates and (buffer.kind not in ("dynamic", "output") or buffer.alias_of is not None):
        raise Error(f"{what} allocates, so buffer {written} must be a dynamic or output root, not {buffer.kind}")
    if not step.allocates and buffer.shape is None:
        raise Error(f"{what} writes buffer {written}, whose size nothing tells: only a step that allocates can")
    if buffer.kind == "dynamic" and buffer.alias_of is not None:
        raise Error(f"{what} writes buffer {written}, a part of what is allocated at run; it can write a root")


def _check_doors(program: "Program", writers: Mapping[int, int]) -> None:
    buffers = program.buffers
    for index in (*program.inputs, *program.outputs):
        _at(buffers, index, "the program")
    expected = [i for i, buffer in enumerate(buffers) if buffer.kind == "input" and buffer.alias_of is None]
    if sorted(program.inputs) != expected:
        raise Error(f"the inputs are buffers {list(program.inputs)[:20]}, but the input roots are {expected[:20]}")
    for index in program.donated:
        if index not in program.inputs:
            raise Error(f"buffer {index!r:.60} is given away, but it is no input")
    names = program.input_names
    if len(set(names)) != len(names) or "" in names:
        raise Error("every input needs a name of its own")
    roots: dict[int, int] = {}
    for position, index in enumerate(program.outputs):
        buffer = buffers[index]
        root = index if buffer.alias_of is None else buffer.alias_of
        if buffer.kind not in ("output", "dynamic"):
            raise Error(f"output {position} is {buffer!r}; an output must be its own memory: add a step that copies")
        if roots.setdefault(root, position) != position:
            raise Error(f"outputs {roots[root]} and {position} share memory; add a step that copies")
        if buffer.view_of is None and index not in writers:
            raise Error(f"output {position} is {buffer!r}, which no step writes")
    if len(program.output_names) != len(program.outputs):
        raise Error(f"{len(program.outputs)} outputs need as many names, not {len(program.output_names)}")
    for name in program.output_names:
        if not isinstance(name, str):
            raise Error(f"an output is named {name!r:.60}; a name is text")


def _check_constants(program: "Program") -> None:
    for index, buffer in enumerate(program.buffers):
        if buffer.kind != "constant" or buffer.alias_of is not None:
            continue
        if index not in program.constants:
            raise Error(f"buffer {index} ({buffer.name!r:.60}) is a constant without bytes")
        if any(type(dim) is not int for dim in buffer.shape or ()):
            raise Error(f"buffer {index} ({buffer.name!r:.60}) is a constant, so its shape must be integers")
    for index in program.constants:
        buffer = _at(program.buffers, index, "the program")
        if buffer.kind not in ("constant", "state") or buffer.alias_of is not None:
            raise Error(f"bytes are given for buffer {index} ({buffer.name!r:.60}), which is {buffer.kind}")
        buffer.nbytes({})


def check_value(value: object, where: str, depth: int = DEEPEST_VALUE) -> None:
    """Raise Error unless `value` is None, text, a number, or lists, tuples and dicts with text keys of such."""
    if value is None or type(value) in (bool, int, float, str):
        return
    if depth == 0:
        raise Error(f"{where} has a value nested deeper than {DEEPEST_VALUE}")
    if type(value) in (list, tuple):
        for item in _items(value):
            check_value(item, where, depth - 1)
    elif type(value) is dict:
        for key, item in value.items():
            if type(key) is not str:
                raise Error(f"{where} has the key {key!r:.60}; a key is text")
            check_value(item, where, depth - 1)
    else:
        raise Error(
            f"{where} has a {type(value).__name__}, {value!r:.60}, which no file can hold; use Python's own types"
        )


def _items(value: Any) -> Sequence[object]:
    return tuple(value)


def _at(buffers: Sequence[Buffer], index: object, what: str) -> Buffer:
    if type(index) is not int or not 0 <= index < len(buffers):
        raise Error(f"{what} refers to buffer {index!r:.60}, but there are {len(buffers)}")
    return buffers[index]


def _step(index: int, step: Step) -> str:
    return f"step {index} ({step.name!r:.60}, {step.kernel:.60})"


def _text(value: object, what: str) -> None:
    if not isinstance(value, str) or not value:
        raise Error(f"{what} is {value!r:.60}; it must be text")
