"""How each node is computed: by a kernel, or by none, and then whether it can be planned."""

import numpy as np
import pytest

from nnvm import ops
from nnvm.analyses.schedule import depth_first
from nnvm.compile.calls import calls_of, has_place, told_by
from nnvm.errors import Error
from nnvm.ir import EMPTY, UNKNOWN, Graph, Node, Value, container_type, dim, f32, foreign, named_input, string
from nnvm.ir.types import Type
from nnvm.pipeline import backend, compile
from nnvm.runtime.program import load

NUMPY = backend("numpy")
ODD, EVEN = (foreign(name, "com.acme") for name in ("Odd", "Even"))


def node(op, inputs, *types: Type | None, name: str | None = None) -> tuple[Value, ...]:
    return Node(op, tuple(inputs), EMPTY, types, name).outputs


def calls(graph: Graph):
    return calls_of(graph, depth_first(graph), NUMPY)


def chain(count: int, type: Type | None) -> Graph:
    """Return a graph of carried nodes that all read the input."""
    x = named_input("x", f32[3])
    values = [node(ODD if i % 3 else EVEN, [x], type, name=f"n{i}")[0] for i in range(count)]
    return Graph([ops.relu(value) if type is not None else value for value in values], [x])


def test_a_carried_node_has_places_of_its_own_and_no_kernel():
    x = named_input("x", f32["n", 3])
    (a,) = node(ODD, [ops.tanh(x)], f32["n", 3], name="a")
    graph = Graph([ops.relu(ops.exp(a))], [x])
    made = calls(graph)[a.node]
    assert (made.kernel, dict(made.params)) == ("nnvm:none/1", {"operator": "Odd"})
    assert (made.inplace, made.workspace) == ((), None)
    program = compile(graph).program
    assert program.without_kernel == program.meta["plan"]["without_kernel"] == {"Odd": 1}
    assert program.meta["plan"]["naive_bytes"]["at"] == 36
    assert program.meta["plan"]["peak_bytes"]["at"] == 128  # neither in place of the other; exp is


def test_calling_it_lists_what_has_no_kernel_before_anything_runs(tmp_path):
    ran = []

    class Watching:
        name = "numpy"
        call = staticmethod(NUMPY.call)

        @staticmethod
        def run(program):
            made = NUMPY.run(program)
            made._laid_out = lambda *_: ran.append(1)
            return made

    run = compile(chain(4, f32[3]), Watching())
    told = r"^numpy has no kernel for Even \(2 uses\), Odd \(2 uses\), so nothing was run; .* with ONNX Runtime$"
    for call in (lambda: run(x=np.ones(3, "f4")), lambda: run.run({}), run.require_kernels):
        with pytest.raises(Error, match=told):
            call()
    assert not ran
    run.program.save(tmp_path / "a.nnp")
    again = load(tmp_path / "a.nnp")
    assert again.meta == run.program.meta
    assert again.without_kernel == {"Even": 2, "Odd": 2}
    assert str(again.explain()).endswith("want no workspace: Even (2), Odd (2)")
    with pytest.raises(Error, match=told):
        NUMPY.run(again)(x=np.ones(3, "f4"))


def test_all_whose_types_are_not_known_are_listed_by_operator():
    with pytest.raises(Error) as caught:
        compile(chain(4, None))
    assert str(caught.value) == (
        "the types of what carried operators give are not known: Even (nodes 'n0', 'n3'); Odd (nodes 'n1', 'n2'); "
        "declare them in the file (value_info), or register a type rule (see docs/onnx.md)"
    )
    with pytest.raises(Error, match=r"Even \(nodes 'n0'.*'n57', and 1 more\); Odd .*, and 22 more\); declare"):
        compile(chain(63, None))


def test_those_that_others_leave_in_the_dark_are_counted():
    x = named_input("x", f32[3])
    (a,) = node(ODD, [x], None, name="a")
    (b,) = node(EVEN, [a], None, name="b")
    with pytest.raises(Error, match=r"known: Odd \(node 'a'\) and 1 more that read what they give; declare"):
        compile(Graph([b], [x]))


def test_an_input_without_a_type_is_not_blamed_on_who_reads_it():
    x = named_input("x", None)
    with pytest.raises(Error, match="give the inputs' types"):
        compile(Graph(node(ODD, [x], None), [x]))


@pytest.mark.parametrize(("type", "said"), [(container_type("map", None), r"map\[None\]"), (string[3], "string")])
def test_what_no_buffer_can_hold_is_said(type, said):
    x = named_input("x", f32[3])
    with pytest.raises(Error, match=rf"no buffer can hold what carried operators give: Odd gives {said}.*\(node 'a'\)"):
        compile(Graph(node(ODD, [x], type, name="a"), [x]))
    assert not has_place(named_input("y", type))


def test_outputs_that_nobody_reads_may_be_of_any_type():
    x = named_input("x", f32[3])
    a, _, _, sum = node(ODD, [x], f32[3], None, string[3], f32[4], name="a")
    program = compile(Graph([ops.relu(a), sum], [x])).program
    assert [len(step.outputs) for step in program.steps] == [2, 1]


def test_sizes_that_only_a_run_knows_are_allocated_by_it():
    x = named_input("x", f32[3])
    (a,) = node(ODD, [x], f32[dim("found")], name="a")
    program = compile(Graph([ops.relu(ops.tanh(a))], [x])).program
    assert program.steps[0].allocates
    assert program.born == {"found": 0}
    (b,) = node(ODD, [x], f32[UNKNOWN], name="b")
    with pytest.raises(Error, match=r"a dimension of .* is known only at run; name the node"):
        compile(Graph([ops.relu(b)], [x]))


def test_what_inputs_tell():
    graph = Graph((), [named_input("x", f32["n", dim("m") + 1]), named_input("y", None)])
    assert told_by(graph) == {"n", "m"}
