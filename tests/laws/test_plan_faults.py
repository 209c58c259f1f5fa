"""The verifier refuses every fault that is put into a plan that passed: of place, size, alignment, lifetime, order."""

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.compile.nets import branchy_graph, weights

from nnvm import ops
from nnvm.errors import Error
from nnvm.ir import Graph, f32, trace
from nnvm.passes import set_dims
from nnvm.pipeline import compile
from nnvm.runtime.hazards import with_dependencies
from nnvm.runtime.lives import Lives
from nnvm.runtime.program import Buffer, Program, Step
from nnvm.runtime.verify import verify

EXAMPLES = int(os.environ.get("NNVM_EXAMPLES", "300"))


def residual(x: Any) -> Any:
    """Convolve and add, so that kernels accumulate; join and cut, so that parts lie in wholes."""
    y = ops.relu(ops.conv(x, weights(8, 3, 3, 3), pads=(1, 1, 1, 1)))
    for seed in range(3):
        branch = ops.relu(ops.conv(y, weights(8, 8, 3, 3, seed=seed), pads=(1, 1, 1, 1)))
        y = ops.relu(ops.conv(branch, weights(8, 8, 1, 1, seed=seed)) + y)
    a, b = ops.split(y, axis=1, parts=2)
    joined = ops.concat(ops.tanh(a) * ops.sigmoid(b), ops.conv(y, weights(4, 8, 1, 1)), axis=1)
    return {"y": ops.softmax(ops.flatten(ops.global_average_pool(joined)))}


def programs() -> list[Program]:
    """Return plans in which buffers are in place, inside others, scratch, and stacked."""
    graphs = [trace(residual, x=f32[1, 3, 12, 12]), set_dims(branchy_graph(), {"n": 1, "h": 32, "w": 32})]
    return [compile(graph, io=io).program for graph in graphs for io in ("external", "arena")]


PROGRAMS = programs()


def with_buffer(program: Program, index: int, **changes: Any) -> Program:
    """Return the program with fields of a buffer replaced, its waits worked out anew where that can be done."""
    old = program.buffers[index]
    fields = {name: getattr(old, name) for name in Buffer.__slots__} | changes
    buffers = list(program.buffers)
    buffers[index] = Buffer(**fields)
    return remade(program, buffers, program.steps)


def remade(program: Program, buffers: Any, steps: Any, peak: Any = None) -> Program:
    bare = [step.on(step.inputs, step.outputs, step.scratch, ()) for step in steps]
    made = Program(
        program.backend, buffers, bare, program.inputs, program.outputs, output_names=program.output_names,
        constants=program.constants, peak=program.peak if peak is None else peak, alignment=program.alignment,
    )  # fmt: skip
    return with_dependencies(made, {})


def roots_alive_together(program: Program) -> list[tuple[int, int]]:
    held = [life for life in Lives(program, {}).held if life.size]
    return [
        (a.number, b.number)
        for a in held
        for b in held
        if a.number != b.number and a.first <= b.last and b.first <= a.last
    ]


def overlap(program: Program, draw: Any) -> Program:
    """Move a buffer onto one that lives with it, as if that one's life were cut short there."""
    one, other = draw(st.sampled_from(roots_alive_together(program)))
    lives = Lives(program, {}).placed
    low, size = lives.starts[other], lives.sizes[other] or 0
    inside = draw(st.integers(0, (size - 1) // program.alignment)) * program.alignment
    return with_buffer(program, one, offset=low + inside)


def short_root(program: Program, draw: Any) -> Program:
    """Make a buffer shorter than what lies in it."""
    inner = [b for b in program.buffers if b.alias_of is not None and b.kind == "arena" and program_size(program, b)]
    root = draw(st.sampled_from(inner)).alias_of
    size = program.buffers[root].nbytes({})
    reach = max(b.offset + b.nbytes({}) for b in program.buffers if b.alias_of == root)
    return with_buffer(program, root, dtype="uint8", shape=(draw(st.integers(0, min(size, reach) - 1)),))


def program_size(program: Program, buffer: Buffer) -> int:
    return buffer.nbytes({})


def short_arena(program: Program, draw: Any) -> Program:
    """Make the arena lower than what lies in it."""
    assert isinstance(program.peak, int)
    lives = Lives(program, {})
    end = max(life.offset + life.size for life in lives.held)
    return remade(program, program.buffers, program.steps, draw(st.integers(0, end - 1)))


def misaligned(program: Program, draw: Any) -> Program:
    """Move a buffer off the alignment."""
    life = draw(st.sampled_from([life for life in Lives(program, {}).held if life.size]))
    off = draw(st.integers(1, program.alignment - 1))
    return with_buffer(program, life.number, offset=max(life.offset + draw(st.sampled_from([off, off - 64])), off))


def wrong_alias(program: Program, draw: Any) -> Program:
    """Let a step write into bytes of another root, or elsewhere in its own."""
    inner = [
        i for i, b in enumerate(program.buffers) if b.alias_of is not None and b.kind == "arena" and b.view_of is None
    ]
    index = draw(st.sampled_from(inner))
    buffer = program.buffers[index]
    lives = {life.number: life for life in Lives(program, {}).buffers}
    life = lives[index]
    others = [root for root, other in roots_alive_together(program) if other == buffer.alias_of]
    held = {each.number: each for each in Lives(program, {}).held}
    fit = [root for root in others if held[root].first <= life.first and held[root].last > life.first]
    assume(fit)
    root = draw(st.sampled_from(fit))
    # bytes that a later step still wants are written over, whatever the kernel could do in place
    later = [i for i in Lives(program, {}).touches.get(root, ()) if i > life.first]
    assume(later and root not in program.steps[later[0]].outputs)
    return with_buffer(program, index, alias_of=root, offset=0)


def undeclared(program: Program, draw: Any) -> Program:
    """Forget that a kernel may write over the input that its output lies in."""
    buffers = program.buffers
    roots = [i if buffer.alias_of is None else buffer.alias_of for i, buffer in enumerate(buffers)]
    found = [
        i
        for i, step in enumerate(program.steps)
        if step.inplace and roots[step.outputs[0]] in {roots[read] for read in step.inputs if read is not None}
    ]
    at = draw(st.sampled_from(found))
    steps = list(program.steps)
    old = steps[at]
    steps[at] = Step(old.kernel, old.inputs, old.outputs, old.params, workspace=old.workspace, scratch=old.scratch)
    return remade(program, program.buffers, steps)


def reordered(program: Program, draw: Any) -> Program:
    """Run a step before one whose result it reads."""
    content = [i if b.view_of is None else b.view_of for i, b in enumerate(program.buffers)]
    writer = {written: i for i, step in enumerate(program.steps) for written in step.outputs}
    pairs = [
        (writer[content[read]], i)
        for i, step in enumerate(program.steps)
        for read in step.inputs
        if read is not None and content[read] in writer
    ]
    before, after = draw(st.sampled_from(pairs))
    steps = list(program.steps)
    steps.insert(before, steps.pop(after))
    return remade(program, program.buffers, steps)


def unordered(program: Program, draw: Any) -> Program:
    """Let a step start without waiting for one that it must follow."""
    at = draw(st.sampled_from([i for i, step in enumerate(program.steps) if step.waits]))
    steps = list(program.steps)
    steps[at] = steps[at].on(steps[at].inputs, steps[at].outputs, steps[at].scratch, ())
    return Program(
        program.backend, program.buffers, steps, program.inputs, program.outputs, output_names=program.output_names,
        constants=program.constants, peak=program.peak, alignment=program.alignment,
    )  # fmt: skip


FAULTS = (overlap, short_root, short_arena, misaligned, wrong_alias, undeclared, reordered, unordered)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.data())
def test_law_every_fault_is_refused(data: st.DataObject) -> None:
    program = data.draw(st.sampled_from(PROGRAMS))
    fault = data.draw(st.sampled_from(FAULTS))
    refuse(program, fault, data)


def refuse(program: Program, fault: Any, data: st.DataObject) -> None:
    """Put a fault into a program, and expect an Error when it is made or verified."""
    with pytest.raises(Error):
        verify(fault(program, data.draw), {})


def test_the_programs_are_right_and_have_something_to_spoil() -> None:
    for program in PROGRAMS:
        verify(program, {})
        verify(remade(program, program.buffers, program.steps), {})
    kinds = {step.kernel for program in PROGRAMS for step in program.steps}
    assert "numpy:conv_add/1" in kinds
    assert any(step.joins for program in PROGRAMS for step in program.steps)


ZOO = Path(os.environ.get("NNVM_ZOO", "/nowhere"))


def zoo_programs() -> list[Program]:
    """Return plans of the models that the onnx package ships, or none where it is missing."""
    onnx = pytest.importorskip("onnx")
    from nnvm.frontends import load
    from nnvm.pipeline import optimize

    folder = Path(onnx.__file__).parent / "backend/test/data/light"
    names = ("resnet50", "densenet121", "shufflenet", "squeezenet", "inception_v1", "inception_v2")
    graphs: list[Graph] = [optimize(load(folder / f"light_{name}.onnx")) for name in names]
    return [compile(graph, io=io).program for graph in graphs for io in ("external", "arena")]


@pytest.mark.slow
def test_law_10_000_faults_in_plans_of_the_zoo_are_refused() -> None:
    found = zoo_programs()

    @settings(max_examples=10_000, deadline=None)
    @given(st.data())
    def spoil(data: st.DataObject) -> None:
        refuse(data.draw(st.sampled_from(found)), data.draw(st.sampled_from(FAULTS)), data)

    spoil()
