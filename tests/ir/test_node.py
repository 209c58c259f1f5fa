import array
import copy
import enum
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ir.operators import biased, chain, concat, halves, relu, scaled

from nnvm.errors import Error
from nnvm.ir import (
    ABSENT,
    EMPTY,
    OVERLOADS,
    Graph,
    Node,
    UnknownRank,
    Value,
    container_type,
    f32,
    make,
    named_input,
    params,
)
from nnvm.ir.node import HINTLESS, literal_key

LITERALS = (
    1,
    True,
    1.0,
    0.0,
    -0.0,
    0,
    False,
    "1",
    b"1",
    None,
    (1,),
    (True,),
    (1.0,),
    ((1,),),
    ((), 1),
    "",
    (),
    f32,
    ("f32",),
)


@pytest.mark.parametrize("a", LITERALS)
@pytest.mark.parametrize("b", LITERALS)
def test_params_are_one_object_exactly_for_one_literal(a: Any, b: Any) -> None:
    same = repr(a) == repr(b) and a.__class__ is b.__class__
    assert (params({"p": a}) is params({"p": b})) is same
    assert (literal_key(a) == literal_key(b)) is same
    assert repr(params({"p": a})["p"]) == repr(a)


values = st.recursive(
    st.one_of(st.integers(), st.booleans(), st.floats(), st.text(), st.binary(), st.none()),
    lambda inner: st.lists(inner, max_size=3).map(tuple),
    max_leaves=5,
)


@given(values, values)
def test_interning_is_by_value_and_type(a: Any, b: Any) -> None:
    assert (params({"p": a}) is params({"p": b})) is (repr(a) == repr(b))
    assert params({"p": a}).literal


def test_lists_are_frozen() -> None:
    pads = [1, [2, 3]]
    made = params({"pads": pads})
    pads.append(9)
    assert made["pads"] == (1, (2, 3))
    assert params({"pads": [1, [2, 3]]}) is made
    assert params({"pads": (1, (2, 3))}) is made
    assert params({"pads": [1, [2, 3]], "to": f32}) is params({"pads": (1, (2, 3)), "to": f32})


def test_arrays_are_no_literals() -> None:
    """Marshal writes an array as its bytes, whatever its element type is."""
    one, other = array.array("B", b"\1\2\3\4"), array.array("i", b"\1\2\3\4")
    assert params({"p": b"\1\2\3\4"})["p"] == b"\1\2\3\4"
    for array_like in (one, other, (other,), (one,)):
        made = params({"p": array_like})
        assert made["p"] == array_like
        assert repr(made["p"]) == repr(array_like)
        assert not made.literal
    assert params({"p": b"\1\2\3\4"})["p"].__class__ is bytes


def test_what_only_looks_like_a_literal_is_none() -> None:
    class Color(enum.IntEnum):
        RED = 1

    assert params({"p": 1})["p"].__class__ is int
    assert params({"p": Color.RED})["p"] is Color.RED
    assert not params({"p": Color.RED}).literal
    assert params({}) is EMPTY


@pytest.mark.parametrize(
    "change",
    [
        lambda p: p.update(a=2),
        lambda p: p.pop("a"),
        lambda p: p.clear(),
        lambda p: p.setdefault("b", 1),
        lambda p: p.__setitem__("a", 2),
        lambda p: p.__delitem__("a"),
        lambda p: p.__ior__({"b": 1}),
    ],
)
def test_params_are_never_changed(change: Any) -> None:
    with pytest.raises(TypeError, match="never changed"):
        change(params({"a": 1}))
    assert params({"a": 1}) == {"a": 1}


def test_params_pickle_to_the_same() -> None:
    made = params({"a": 1, "b": (True, f32)})
    assert pickle.loads(pickle.dumps(made)) is made
    assert copy.deepcopy(made) is made


def test_a_value_is_the_same_object_every_time() -> None:
    first, second = halves(named_input("x", f32[4]))
    assert first.node is second.node
    assert first.node.outputs == (first, second)
    assert (first.index, second.index) == (0, 1)
    assert first.node.types == (f32[2], f32[2])


def test_names() -> None:
    x = named_input("x", f32[4])
    first, second = halves(x, name="h")
    assert (first.name, second.name, relu(x).name, relu(x, name="r").name) == ("h.0", "h.1", "relu", "r")
    assert repr(first) == "h.0: f32[2]"
    assert repr(concat(x, first, name="s").node) == "s = concat(x, h.0)"
    assert repr(relu(x).node) == "_ = relu(x)"
    assert repr(make(biased, (x, ABSENT, x), EMPTY, None, None, (), HINTLESS).node) == "_ = biased(x, None, x)"


def test_a_value_has_no_truth_and_no_parts() -> None:
    x = named_input("x", f32[4])
    with pytest.raises(TypeError, match=r"truth of x: f32\[4\]"):
        bool(x)
    with pytest.raises(TypeError, match="not unpacked"):
        list(x)
    assert (x == x, x != x) == (True, False)


def test_what_is_not_known_of_a_type() -> None:
    for ask in ("tensor", "shape", "dtype"):
        with pytest.raises(UnknownRank):
            getattr(named_input("x"), ask)
    with pytest.raises(UnknownRank):
        _ = named_input("x", f32[...]).shape
    with pytest.raises(Error, match=r"s: sequence\[f32\[2\]\] is a sequence\[f32\[2\]\], not a tensor"):
        _ = named_input("s", container_type("sequence", f32[2])).shape


SIGNS: dict[str, Any] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "**": lambda a, b: a**b,
}
ONE_SIDED: dict[str, Any] = {
    "@": lambda a, b: a @ b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


@pytest.mark.parametrize("sign", [*SIGNS, *ONE_SIDED])
def test_signs_build(monkeypatch: pytest.MonkeyPatch, sign: str) -> None:
    x = named_input("x", f32[4])
    monkeypatch.setitem(OVERLOADS, sign, lambda a, b: (sign, a, b))
    build = (SIGNS | ONE_SIDED)[sign]
    assert build(x, 2) == (sign, x, 2)
    if sign in SIGNS:
        assert build(2, x) == (sign, 2, x)


def test_a_sign_without_an_operator_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(OVERLOADS, "neg", raising=False)
    with pytest.raises(Error, match=r"'neg'; import nnvm\.ops"):
        -named_input("x", f32[4])


def test_nodes_are_not_pickled_alone() -> None:
    x = named_input("x", f32[4])
    for thing in (x, x.node):
        with pytest.raises(TypeError, match="pickle the graph"):
            pickle.dumps(thing)
        assert copy.deepcopy(thing) is thing


def test_replace() -> None:
    x = named_input("x", f32[4])
    node = scaled(x, by=3, name="s", hints={"layer": 1}).node
    other = node.replace(name="t", after=(x.node,))
    assert (other.op, other.inputs, other.params, other.types) == (node.op, node.inputs, node.params, node.types)
    assert (other.name, other.after, other.hints) == ("t", (x.node,), {"layer": 1})
    assert (node.name, node.after) == ("s", ())
    assert other.outputs[0].node is other


def test_a_long_chain_is_no_deep_stack() -> None:
    graph = chain()
    end = graph.outputs[0]
    assert repr(end) == "relu: f32[4]"
    assert repr(end.node) == "_ = relu(tanh)"
    assert hash(end) != hash(end.node.inputs[0])
    assert copy.deepcopy(end) is end
    assert isinstance(end, Value)
    assert isinstance(end.node, Node)
    assert isinstance(graph, Graph)
