import random

import numpy as np
import pytest
from tests.frontends.onnx.models import graph_of, model, node, run, written

from nnvm.errors import Error
from nnvm.frontends.onnx.order import in_order


def records(*nodes: tuple[str, str]) -> list[tuple[tuple[str, ...], tuple[str, ...], object]]:
    return [(tuple(a.split()), tuple(b.split()), node("Add", a.split(), b.split(), name=b)) for a, b in nodes]


def test_a_sorted_file_keeps_its_order() -> None:
    assert list(in_order(records(("x", "a"), ("x", "b"), ("a b", "c")), {}, {"x"}, ["c"])) == [0, 1, 2]


def test_any_order_is_sorted() -> None:
    assert list(in_order(records(("a b", "c"), ("x", "b"), ("x", "a")), {}, {"x"}, ["c"])) == [1, 2, 0]


def test_captured_names_count() -> None:
    assert list(in_order(records(("x", "a"), ("x", "b")), {0: ("b",)}, {"x"}, ["a"])) == [1, 0]


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        (
            [("x c", "a"), ("a", "b"), ("b", "c"), ("x", "d")],
            "3 nodes wait for one another: Add 'a', Add 'c', Add 'b'; break",
        ),
        ([("a", "a")], "1 nodes wait for one another: Add 'a'"),
        ([("x", "a"), ("x", "a")], r"'a' is defined twice, the second time by node 1 \(Add\)"),
        ([("x", "x")], "'x' is defined twice"),
        ([("nowhere", "a")], r"nobody defines 'nowhere', which node 0 \(Add 'a'\) takes; the file is incomplete"),
    ],
)
def test_what_cannot_be_ordered_is_named(nodes: list[tuple[str, str]], message: str) -> None:
    with pytest.raises(Error, match=message):
        in_order(records(*nodes), {}, {"x"}, ["a"])


def test_a_missing_output_is_named() -> None:
    with pytest.raises(Error, match="nobody defines 'z', an output of the graph"):
        in_order(records(("x", "a")), {}, {"x"}, ["z"])


def test_a_long_shuffled_chain() -> None:
    count = 20_000
    nodes = [node("Relu", [f"v{i}"], [f"v{i + 1}"]) for i in range(count)]
    random.Random(0).shuffle(nodes)
    made = model(nodes, [("v0", [2])], [(f"v{count}", [2])])
    assert len(graph_of(made).nodes) == count + 1


def test_a_shuffled_file_means_the_same() -> None:
    nodes = [node("Neg", ["b"], ["y"]), node("Exp", ["a"], ["b"]), node("Relu", ["x"], ["a"])]
    made = model(nodes, [("x", [2])], [("y", [2])])
    saved = written(graph_of(made))
    assert [item.op_type for item in saved.graph.node] == ["Relu", "Exp", "Neg"]
    assert run(saved, {"x": np.array([1, -1], np.float32)})[0].tolist() == pytest.approx([-2.7182817, -1])
