"""What compile asks of a backend, shown by a backend of three kernels that a stranger might write."""

from collections.abc import Callable
from typing import Any

from nnvm import ops
from nnvm.compile import WORKSPACE_LIMIT, Backend, Call, compile_graph
from nnvm.ir import Node, f32, f64, trace
from nnvm.runtime.program import Program


class Abacus:
    """Adds, squashes and copies, and notes what it is asked."""

    name = "abacus"

    def __init__(self, workspace: Callable[..., int] | None = None) -> None:
        self.workspace = workspace
        self.asked: list[str] = []

    def call(self, node: Node) -> Call | None:
        self.asked.append(node.op.name)
        if node.op is ops.add:
            return Call("abacus:add/1", node.inputs, {}, inplace=(0, 1))
        if node.op is ops.tanh:
            return Call("abacus:squash/2", node.inputs, {"steps": 3}, workspace=self.workspace)
        return None

    def run(self, program: Program) -> Any:
        return program


def net(x):
    return ops.tanh(x + x) + 1.0


def test_steps_name_the_kernels_and_carry_the_params_that_the_backend_chose():
    abacus: Backend = Abacus()
    program = compile_graph(trace(net, x=f32[4, "n"]), abacus)
    assert program.backend == "abacus"
    assert [step.kernel for step in program.steps] == ["abacus:add/1", "abacus:squash/2", "abacus:add/1"]
    assert program.steps[1].params == {"steps": 3}


def test_only_what_the_backend_allows_is_done_in_place():
    program = compile_graph(trace(lambda x: ops.tanh(ops.tanh(x + x)) + x, x=f32[4, "n"]), Abacus())
    assert len({index for step in program.steps for index in step.outputs}) == 4
    arena = [b for b in program.buffers if b.kind == "arena" and b.alias_of is None]
    assert len(arena) == 3  # a sum, and twice a tanh, which may not write over what it reads


def test_copies_are_the_backends_own():
    program = compile_graph(trace(lambda x: x, x=f32[3]), Abacus())
    assert [step.kernel for step in program.steps] == ["abacus:copy/1"]


def test_what_it_has_no_kernel_for_is_planned_and_named():
    program = compile_graph(trace(lambda x: ops.exp(ops.exp(ops.tanh(x))), x=f32[3]), Abacus())
    assert [step.kernel for step in program.steps] == ["abacus:squash/2", "nnvm:none/1", "nnvm:none/1"]
    assert program.without_kernel == program.meta["plan"]["without_kernel"] == {"exp": 2}
    assert len({step.outputs for step in program.steps}) == 3
    assert not any(step.inplace for step in program.steps)


def test_a_kernel_declares_its_workspace_from_shapes_item_size_and_params():
    asked = []

    def workspace(outs: Any, ins: Any, item_size: int, params: Any) -> int:
        asked.append((outs, ins, item_size, params))
        return 4096

    program = compile_graph(trace(lambda x: ops.tanh(ops.tanh(x)), x=f64[2, 5]), Abacus(workspace))
    assert set(map(str, asked)) == {str(([(2, 5)], [(2, 5)], 8, {"steps": 3}))}
    assert [step.workspace for step in program.steps] == [4096, 4096]
    assert program.meta["plan"]["workspace_bytes"] == 4096  # one block for the largest
    assert program.meta["plan"]["peak_bytes"] == 128


def test_open_shapes_are_none_to_a_workspace():
    asked = []
    abacus = Abacus(lambda outs, ins, item_size, params: asked.append((outs, ins)) or 0)
    compile_graph(trace(lambda x: ops.tanh(x), x=f32["n"]), abacus)
    assert ([None], [None]) in asked


def test_more_workspace_than_the_limit_is_planned_in_the_arena():
    graph = trace(lambda x: ops.tanh(ops.tanh(x)), x=f32[3])
    outside = compile_graph(graph, Abacus(lambda *_: WORKSPACE_LIMIT))
    assert outside.meta["plan"]["peak_bytes"] == 64
    inside = compile_graph(graph, Abacus(lambda *_: WORKSPACE_LIMIT + 1))
    assert [step.scratch is not None for step in inside.steps] == [True, True]
    assert inside.meta["plan"]["workspace_bytes"] == 0
    assert inside.meta["plan"]["peak_bytes"] == 64 + WORKSPACE_LIMIT + 64 == inside.meta["plan"]["order_bound_bytes"]


def test_sources_are_not_asked_for():
    abacus = Abacus()
    compile_graph(trace(net, x=f32[4, "n"]), abacus)
    assert set(abacus.asked) == {"add", "tanh"}
