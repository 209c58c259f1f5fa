"""Where buffers lie: at every binding apart, at the sample as packed, and beside bounds that are what they say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.compile.nets import branchy_graph, open_nets

from nnvm import ops
from nnvm.analyses.schedule import depth_first
from nnvm.compile import compile_graph
from nnvm.compile.lower import lower
from nnvm.compile.plan import Arena, at, dimensions, nbytes, plan
from nnvm.errors import Error
from nnvm.ir import Graph, Value, boolean, dim, f32, f64, named_input, trace
from nnvm.ir.dims import larger
from nnvm.passes.set_dims import set_dims
from nnvm.pipeline import backend, compile
from nnvm.runtime.hazards import with_dependencies
from nnvm.runtime.layout import layout
from nnvm.runtime.memory import pack
from nnvm.runtime.program import Program
from nnvm.runtime.verify import verify

NUMPY = backend("numpy")
SIZES = st.integers(1, 60)


def apart(blocks, alignment):
    """Give every block a place of its own."""
    offsets, top = [], 0
    for block in blocks:
        offsets.append(top)
        top += -(-block.size // alignment) * alignment
    return offsets


def recomputed(program: Program, binding: dict[str, int]) -> tuple[int, int]:
    """Return naive bytes and the most that live at one step, counted step by step from the program alone."""
    placed = layout(program, binding)
    live: dict[int, set[int]] = {}
    for i, step in enumerate(program.steps):
        for index in (*step.inputs, *step.outputs):
            if index is not None and program.buffers[index].kind == "arena":
                root = program.buffers[index].alias_of
                live.setdefault(index if root is None else root, set()).add(i)
    size = {root: -(-placed.sizes[root] // program.alignment) * program.alignment for root in live}
    most = max(
        (sum(size[r] for r, s in live.items() if min(s) <= i <= max(s)) for i in range(len(program.steps))), default=0
    )
    owners = [i for i, buffer in enumerate(program.buffers) if buffer.kind == "arena" and buffer.view_of is None]
    return sum(placed.sizes[i] for i in owners), most


@settings(max_examples=60)
@given(open_nets(), SIZES, SIZES, st.lists(st.tuples(SIZES, SIZES), min_size=1, max_size=3), st.data())
def test_law_what_was_stacked_at_one_binding_holds_at_every_other(graph, n, m, others, data):
    io = data.draw(st.sampled_from(["external", "arena"]))
    share = data.draw(st.booleans())
    program = compile_graph(graph, NUMPY, binding={"n": n, "m": m}, io=io, share=share)
    for rows, columns in ((n, m), (1, 1), (101, 1), (1, 101), *others):
        verify(program, {"n": rows, "m": columns})


@settings(max_examples=60)
@given(open_nets(), SIZES, SIZES, st.sampled_from(["external", "arena"]), st.sampled_from([8, 64, 256]))
def test_law_figures_are_what_the_program_does(graph, n, m, io, alignment):
    binding = {"n": n, "m": m}
    dynamic = compile_graph(graph, NUMPY, binding=binding, io=io, alignment=alignment)
    static = compile_graph(set_dims(graph, dynamic.meta["plan"]["binding"]), NUMPY, io=io, alignment=alignment)
    for program in (dynamic, static):
        figures = program.meta["plan"]
        value = {key: size["at"] if isinstance(size, dict) else size for key, size in figures.items() if "bytes" in key}
        naive, most = recomputed(program, figures["binding"])
        assert value["naive_bytes"] == naive
        assert value["packing_bound_bytes"] == most
        assert value["peak_bytes"] == layout(program, figures["binding"]).peak
        assert value["order_bound_bytes"] <= value["packing_bound_bytes"] <= value["peak_bytes"]
        assert (figures["packing_status"] == "optimal") is (value["peak_bytes"] == value["packing_bound_bytes"])
        assert (figures["order_status"] == "optimal") is (value["peak_bytes"] == value["order_bound_bytes"])


@settings(max_examples=40)
@given(open_nets(), SIZES, SIZES, SIZES, SIZES)
def test_law_expressions_give_the_figures_of_another_binding(graph, n, m, rows, columns):
    program = compile_graph(graph, NUMPY, binding={"n": n, "m": m})
    figures, other = program.meta["plan"], {"n": rows, "m": columns}
    if "expr" not in (figures["peak_bytes"] if isinstance(figures["peak_bytes"], dict) else {}):
        return
    scope = {"max": max, "min": min, "__builtins__": {}} | other
    naive, most = recomputed(program, other)
    assert eval(figures["naive_bytes"]["expr"], scope) == naive
    assert eval(figures["packing_bound_bytes"]["expr"], scope) == most
    assert eval(figures["peak_bytes"]["expr"], scope) == layout(program, other).peak


@settings(max_examples=40)
@given(open_nets(8), SIZES, SIZES, st.integers(0, 9))
def test_law_the_plan_changes_no_number(graph, n, m, seed):
    generator = np.random.default_rng(seed)
    arrays = {"x": generator.standard_normal((n, m), np.float32), "y": generator.standard_normal((8, m), np.float32)}
    arrays = {value.name: arrays[value.name] for value in graph.inputs}
    tight = NUMPY.run(compile_graph(graph, NUMPY, pack=pack)).run(arrays, poison=True)
    loose = NUMPY.run(compile_graph(graph, NUMPY, pack=apart, share=False)).run(arrays)
    for a, b in zip(tight, loose, strict=True):
        np.testing.assert_array_equal(a, b)


def wide(x: f32[4, 64]):
    a, b = ops.tanh(x), ops.exp(x)
    return {"out": ops.matmul(a, ops.transpose(b)), "a": ops.reduce_sum(a), "b": ops.reduce_sum(b)}


def narrowing(x: f32[4, 64]):
    return {"out": ops.reduce_sum(ops.tanh(ops.exp(ops.tanh(x))))}


def test_a_poor_packing_is_bounded_and_a_good_one_optimal():
    graph = trace(narrowing)
    poor = compile_graph(graph, NUMPY, pack=apart, share=False).meta["plan"]
    good = compile_graph(graph, NUMPY, share=False).meta["plan"]
    assert (poor["peak_bytes"], poor["packing_status"], poor["packing_gap"]) == (3072, "bounded", 0.5)
    assert (good["peak_bytes"], good["packing_status"], good["packing_gap"]) == (2048, "optimal", 0.0)
    assert poor["packing_bound_bytes"] == good["packing_bound_bytes"] == 2048
    assert poor["tensors"] == good["tensors"] == 3


def test_with_open_sizes_the_peak_is_the_height_of_the_stack_and_not_of_the_gaps_below_it():
    graph = trace(narrowing, x=f32["n", 64])
    program = compile_graph(graph, NUMPY, share=False, pack=lambda blocks, step: [i * 4096 for i in range(len(blocks))])
    figures = program.meta["plan"]
    assert figures["peak_bytes"]["at"] == layout(program, figures["binding"]).peak == 3 * 256
    assert figures["packing_bound_bytes"]["at"] == 2 * 256


def test_the_planned_order_meets_the_bound_of_any():
    graph = trace(wide)
    plan = compile_graph(graph, NUMPY).meta["plan"]
    assert plan["order_bound_bytes"] == 2 * 1024  # the transpose reads b and writes as much; no output lies inside
    assert plan["packing_bound_bytes"] == 2 * 1024
    assert plan["order_status"] == "optimal"
    given = compile_graph(graph, NUMPY, order=depth_first(graph)).meta["plan"]
    assert given["packing_bound_bytes"] == 3 * 1024
    assert given["order_status"] == "bounded"


def test_an_arena_with_nothing_in_it():
    figures = compile_graph(trace(lambda x: ops.relu(x), x=f32[3]), NUMPY).meta["plan"]
    assert (figures["peak_bytes"], figures["tensors"], figures["external_bytes"]) == (0, 0, 24)
    assert figures["packing_status"] == figures["order_status"] == "optimal"
    assert figures["packing_gap"] == figures["order_gap"] == 0.0


def test_io_in_the_arena_counts_inputs_and_outputs():
    graph = trace(lambda x: ops.relu(x), x=f32[100])
    figures = compile_graph(graph, NUMPY, io="arena").meta["plan"]
    assert figures["io"] == "arena"
    assert figures["peak_bytes"] == 448  # relu takes over the input's bytes, 400 rounded up


def test_the_sizes_of_tensors():
    n = dim("n")
    assert nbytes(f32["n", 3]) is n * 12
    assert [nbytes(f64[()]), nbytes(boolean[5]), nbytes(f32[0, 7])] == [8, 5, 0]
    assert at(larger(n, 7), {"n": 3}) == 7


def test_an_arena_rounds_sizes_up():
    graph = trace(lambda x: ops.reduce_sum(ops.exp(ops.transpose(x))), x=f32["n", 3])
    lowered = lower(graph, depth_first(graph), NUMPY)
    arena = Arena(lowered, {"n": 5}, 64)
    assert [at(arena.rounded(i), {"n": 5}) for i in range(len(arena.roots))] == [64]
    assert [block.size for block in arena.blocks] == [60]
    assert dimensions(lowered) == ("n",)


def test_offsets_of_open_sizes_refer_to_what_lies_below():
    graph = trace(wide, x=f32["n", 64])
    lowered = lower(graph, depth_first(graph), NUMPY)
    program = with_dependencies(plan(lowered, {"n": 4}, "numpy", apart, io="external"), None)
    starts = [b.offset for b in program.buffers if b.kind == "arena" and b.alias_of is None]
    assert starts[0] == 0
    assert any(isinstance(offset, tuple) for offset in starts)
    for n in (1, 4, 1000):
        verify(program, {"n": n})


def test_branchy_is_planned_the_same_every_time():
    assert len({str(compile_graph(branchy_graph(), NUMPY).meta) for _ in range(3)}) == 1


def test_a_long_chain_with_an_open_dimension_is_planned():
    value = x = named_input("x", f32["n", 4])
    for _ in range(10_000):
        value = ops.tanh(value)
    program = compile_graph(Graph([ops.relu(value)], [x]), NUMPY, share=False, binding={"n": 3})
    figures = program.meta["plan"]
    assert figures["peak_bytes"]["at"] == figures["packing_bound_bytes"]["at"] == 128
    verify(program, {"n": 1000})


@pytest.mark.parametrize(
    ("pack", "said"),
    [
        (lambda blocks, alignment: None, "gave None; it must give an offset"),
        (lambda blocks, alignment: [0.5] * len(blocks), "an integer, for each block"),
        (lambda blocks, alignment: [0], "gave 1 offsets for"),
        (lambda blocks, alignment: [-64] * len(blocks), "at -64; an offset is a multiple of the alignment 64"),
        (lambda blocks, alignment: [8] * len(blocks), "at 8; an offset is a multiple of the alignment 64"),
    ],
)
@pytest.mark.parametrize("dims", [{}, {"n": 1, "h": 16, "w": 16}])
def test_a_packer_gives_each_block_an_offset(pack, said, dims):
    with pytest.raises(Error, match=said):
        compile_graph(set_dims(branchy_graph(), dims), NUMPY, pack=pack)


def test_no_element_lies_across_two_of_its_own_size() -> None:
    """At an alignment of one byte, booleans of odd sizes lie beside floats."""

    def main(x: f32[5], y: f32[5]) -> Value:
        return ops.neg(ops.where(ops.logical_not(ops.less(x, y)), ops.tanh(x), ops.exp(y)))

    program = compile(trace(main), alignment=1).program
    assert program.alignment == program.meta["plan"]["alignment"] == 4
    x, y = np.arange(5, dtype=np.float32), np.ones(5, np.float32)
    (found,) = backend("numpy").run(program)(x=x, y=y)
    np.testing.assert_allclose(found, -np.where(x >= y, np.tanh(x), np.exp(y)), rtol=1e-6)


@pytest.mark.parametrize("size", [4, "n"])
def test_every_figure_is_an_expression_where_a_dimension_is_open(size: int | str) -> None:
    made = compile(trace(lambda x: ops.relu(ops.tanh(x) + x), x=f32[size])).program.meta["plan"]
    figures = {key: value for key, value in made.items() if key.endswith("_bytes")}
    assert len(figures) == 7
    for value in figures.values():
        assert isinstance(value, int) if size == 4 else value.keys() == {"expr", "at"}
