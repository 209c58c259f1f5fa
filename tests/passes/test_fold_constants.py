"""What is computed ahead, what is only looked at otherwise, and what is left to the run."""

import tracemalloc
from pathlib import Path

import pytest
from tests.laws.interpret import evaluate
from tests.passes.rewrites import assert_rewrites, folding, operators, optimized

from nnvm import ops
from nnvm.errors import Error
from nnvm.ir import Node, TensorData, Value, boolean, constant, data_of, f32, foreign, i8, i32, i64, tensor_data, trace
from nnvm.passes import fold_constants


def nothing(node: Node) -> None:
    raise AssertionError(f"{node!r} was computed")


def data(*numbers: float) -> TensorData:
    return tensor_data(numbers, f32[len(numbers)])


def folded(build, evaluate=evaluate, **options) -> TensorData | None:
    """Return what a program without inputs folds to."""
    return data_of(fold_constants(trace(build), evaluate, **options).outputs[0])


def test_constants_are_computed() -> None:
    def before(x: f32[2]) -> Value:
        return x + ops.exp(ops.add(data(1, 2), data(3, 4))) * 0

    def after(x: f32[2]) -> Value:
        return x + data(0, 0)

    assert_rewrites(folding, before, after)


def test_every_output_is() -> None:
    graph = folding(trace(lambda: ops.split(data(1, 2, 3, 4), axis=0, parts=2)))
    assert [data_of(value).values() for value in graph.outputs] == [(1, 2), (3, 4)]


def test_names_pass_on() -> None:
    assert folding(trace(lambda: ops.exp(data(1), name="y"))).outputs[0].name == "y"


SHAPES = {
    "a shape": (lambda x: ops.shape(x, start=1), (3, 4)),
    "a size": (lambda x: ops.size(ops.gather(x, tensor_data(0, i64[()]))), (12,)),
    "arithmetic on known parts": (lambda x: ops.gather(ops.shape(x), tensor_data([2, 1], i64[2])) * 2, (8, 6)),
}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes_are_known_without_a_kernel(name: str) -> None:
    build, wanted = SHAPES[name]
    made = fold_constants(trace(build, x=f32["c", 3, 4]), nothing)
    assert data_of(made.outputs[0]).values() == wanted


def test_named_dimensions_are_left_to_the_run() -> None:
    graph = trace(lambda x: ops.shape(x), x=f32["n", 3])
    assert fold_constants(graph, nothing) is graph


def test_numbers_out_of_range_are_for_a_kernel() -> None:
    assert folded(lambda: ops.add(tensor_data([100], i8[1]), tensor_data([100], i8[1]))).values() == (-56,)


VIEWS = {
    "reshape": lambda x: ops.reshape(x, (2, 1, -1)),
    "flatten": lambda x: ops.flatten(x, axis=0),
    "squeeze": lambda x: ops.squeeze(ops.unsqueeze(x, (0,)), (0,)),
    "identity": ops.identity,
    "cast": lambda x: ops.cast(x, to=f32),
}


@pytest.mark.parametrize("name", VIEWS)
def test_views_share_their_bytes(name: str) -> None:
    large = TensorData(f32[2, 1 << 16], bytes(8 << 16))
    assert folded(lambda: VIEWS[name](large), nothing, limit=0).source is large.source


UNIFORM = {
    "fill": lambda x: ops.fill(tensor_data([1 << 30, 8], i64[2]), value=tensor_data([1.0], f32[1])),
    "expand": lambda x: ops.expand(x, (1 << 20, 1 << 10)),
    "tile": lambda x: ops.tile(x, (1 << 30,)),
    "transpose": lambda x: ops.transpose(ops.expand(x, (1 << 20, 1 << 10))),
    "slice": lambda x: ops.slice(ops.expand(x, (1 << 30,)), (1,), (1 << 29,)),
    "concat": lambda x: ops.concat(ops.expand(x, (1 << 30,)), x, axis=0),
}


@pytest.mark.parametrize("name", UNIFORM)
def test_one_value_throughout_takes_no_bytes(name: str) -> None:
    made = folded(lambda: UNIFORM[name](tensor_data([1.0], f32[1])), nothing)
    assert made.repeats
    assert made.uniform == 1


def test_blow_up_is_refused_unless_as_much_dies_with_it() -> None:
    large, limit = tensor_data([i / 1000 for i in range(1000)], f32[1000]), 100

    def growing(x):
        return x + ops.expand(tensor_data([1.0, 2.0], f32[2]), (1000, 2))

    def shared(x):
        weight = constant(data=large)
        return x + ops.exp(weight) * ops.tanh(weight)

    def dying(x):
        return x + ops.exp(large)

    assert operators(fold_constants(trace(growing, x=f32[()]), evaluate, limit=limit)) == ["expand", "add"]
    assert operators(fold_constants(trace(shared, x=f32[()]), evaluate, limit=limit)) == ["exp", "tanh", "mul", "add"]
    assert operators(fold_constants(trace(dying, x=f32[()]), evaluate, limit=limit)) == ["add"]


def test_what_no_kernel_computes_stays() -> None:
    graph = trace(lambda: ops.exp(data(1)))
    assert fold_constants(graph, lambda node: None) is graph


def test_random_unknown_and_ordered_nodes_stay() -> None:
    unknown = foreign("mystery", "tests")

    def build(x):
        drawn = ops.dropout(data(1, 2), tensor_data(0.5, f32[()]), tensor_data(True, boolean[()]))[0]
        return {"a": drawn, "b": unknown(data(1)), "c": ops.exp(data(1), after=(ops.tanh(x).node,))}

    assert operators(folding(trace(build, x=f32[1]))) == ["dropout", "mystery", "tanh", "exp"]


def test_a_kernel_that_contradicts_the_types_is_found() -> None:
    graph = trace(lambda: ops.exp(data(1, 2), name="y"))
    for wrong in ([tensor_data([1], f32[1])], [tensor_data([1, 2], i32[2])], []):
        with pytest.raises(Error, match="y"):
            fold_constants(graph, lambda node, wrong=wrong: wrong)


def test_an_unknown_shape_is_folded_all_the_same() -> None:
    made = folded(lambda: ops.arange(*(tensor_data(each, i32[()]) for each in (0, 3, 1))))
    assert made.values() == (0, 1, 2)


def test_a_long_chain() -> None:
    def build(x):
        y = constant(data=tensor_data(1.5, f32[()]))
        for _ in range(20_000):
            y = ops.tanh(y)
        return x + y

    assert operators(folding(trace(build, x=f32[2]))) == ["add"]


def test_one_value_of_eight_thousand_million_elements_goes_through_every_pass_and_into_a_file(tmp_path: Path) -> None:
    """It is folded, merged, broadcast, moved, scaled, and saved as what fills a shape, and nobody spreads it out."""

    def half(*shape: int) -> Value:
        return ops.fill(tensor_data(shape, i64[len(shape)]), value=tensor_data([0.5], f32[1]))

    def before(x: f32[2, 3]) -> dict[str, Value]:
        large, again = half(1 << 17, 1 << 16), half(1 << 17, 1 << 16)
        wide = ops.expand(tensor_data(2.0, f32[1, 1]), (1 << 17, 1 << 16))
        y = ops.transpose(ops.relu((large + again) * wide - 0.25))
        y = ops.concat(y, ops.reshape(again, (1 << 16, 1 << 17)), axis=0)
        y = ops.where(ops.greater(large, again), large, ops.transpose(ops.slice(y, (0,), (1 << 16,), (0,))))
        return {
            "folded": y,
            "joined": ops.concat(large, wide, axis=1),
            "reduced": ops.reduce_max(large, (1,)),
            "product": ops.matmul(x, half(3, 1 << 31)) * 2.0,
            "taken": x + ops.gather(ops.slice(again, (5,), (6,)), tensor_data(0, i64[()]), axis=1),
        }

    tracemalloc.start()
    try:
        graph = optimized(trace(before))
        assert operators(graph) == ["concat", "reduce_max", "matmul", "add"]
        assert data_of(graph.outputs[0]).uniform == 1.75
        pytest.importorskip("onnx")
        from nnvm.frontends.onnx import load, save

        save(graph, tmp_path / "large.onnx")
        saved = load(tmp_path / "large.onnx")
        assert operators(saved).count("fill") == 4
        assert operators(optimized(saved)) == ["concat", "reduce_max", "matmul", "add"]
        assert tracemalloc.get_traced_memory()[1] < 100 << 20
    finally:
        tracemalloc.stop()
    assert (tmp_path / "large.onnx").stat().st_size < 10_000
