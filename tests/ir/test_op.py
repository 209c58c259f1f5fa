import copy
import pickle
from typing import Any

import pytest
from tests.ir.operators import (
    add,
    biased,
    concat,
    filled,
    found,
    halves,
    neg,
    relu,
    reshaped,
    scaled,
    shape_constant,
    split,
    through,
)

from nnvm.errors import Error
from nnvm.ir import (
    ABSENT,
    DTYPES,
    UNKNOWN,
    Graph,
    Node,
    Op,
    TensorData,
    TensorType,
    Value,
    boolean,
    constant,
    container_type,
    data_of,
    dim,
    f32,
    f64,
    foreign,
    i32,
    i64,
    input,
    is_constant,
    named_input,
    op,
    same,
    tensor_data,
    trace,
    variable,
)
from nnvm.ir.formats.parse import parse

X = named_input("x", f32[4, 6])


def test_a_signature_is_a_schema() -> None:
    assert (relu.name, relu.inputs, relu.param_names, relu.module) == ("relu", ("x",), (), "tests.ir.operators")
    assert relu.doc == "Cut off what is negative."
    assert (biased.inputs, biased.optional) == (("x", "weight", "bias"), frozenset({"bias"}))
    assert (concat.inputs, concat.variadic, concat.param_names, concat.defaults) == (
        ("parts",),
        True,
        ("axis",),
        {"axis": 0},
    )
    assert (halves.count, relu.count, callable(split.count)) == (2, 1, True)
    assert repr(relu) == "<op relu>"


def test_outputs_are_counted() -> None:
    assert [value.type for value in halves(X, axis=1)] == [f32[4, 3]] * 2
    assert [value.type for value in split(X, parts=4)] == [f32[1, 6]] * 4
    assert len(split(named_input("u"), parts=3)) == 3
    (only,) = split(X, parts=1)
    assert only.type is f32[4, 6]


def test_untyped_inputs_give_untyped_outputs() -> None:
    assert relu(named_input("u")).type is None
    assert add(X, named_input("u")).type is None
    assert [value.type for value in halves(named_input("u"))] == [None, None]
    assert halves(named_input("u", f32[...]))[0].type is None


def test_types_that_do_not_fit_name_everything() -> None:
    y = named_input("y", f32[5])
    for _ in range(2):
        with pytest.raises(Error, match=r"^add\(x: f32\[4, 6\], y: f32\[5\]\) in node 'sum': the shapes differ$"):
            add(X, y, name="sum")
    with pytest.raises(Error, match=r"halves\(x: f32\[4, 6\], axis=7\): list index out of range"):
        halves(X, axis=7)
    with pytest.raises(Error, match=r"concat\(parts\[0\]: f32\[4, 6\], parts\[1\]: f32\[5\], axis=1\)"):
        concat(X, y, axis=1)
    with pytest.raises(Error, match=r"relu\(x: sequence\[f32\[2\]\]\)"):
        relu(named_input("s", container_type("sequence", f32[2])))


def test_arguments_that_do_not_fit() -> None:
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'y'"):
        add(X)
    with pytest.raises(TypeError, match="unexpected keyword argument 'stride'"):
        relu(X, stride=2)
    with pytest.raises(Error, match="relu: input 'x' must be a value, a number or an array, not str"):
        relu("x")
    with pytest.raises(Error, match="biased: input 'weight' is not optional"):
        biased(X, None, X)


def test_optional_inputs() -> None:
    assert biased(X, X).node.inputs == biased(X, X, None).node.inputs == biased(X, X, ABSENT).node.inputs == (X, X)
    assert biased(X, X, X).node.inputs == (X, X, X)


def test_numbers_become_constants_of_a_neighbours_type() -> None:
    half = add(X, 0.5).node.inputs[1]
    assert (half.type, data_of(half).item()) == (f32[()], 0.5)  # type: ignore[union-attr]
    assert add(2, named_input("d", f64[3])).node.inputs[0].type is f64[()]
    assert add(2, named_input("u")).node.inputs[0].type is f32[()]
    assert biased(named_input("c", boolean[3]), 0.5, X).node.inputs[1].type is f32[()]
    assert relu(tensor_data(1, f64[2])).node.inputs[0].type is f64[2]
    assert data_of(reshaped(X, (8, 3)).node.inputs[1]).values() == (8, 3)  # type: ignore[union-attr]
    with pytest.raises(Error, match=r"add: input 'y': \[2\.5\] do not fit i32"):
        add(named_input("i", i32[3]), 2.5)


def test_names_hints_and_order() -> None:
    before = relu(X).node
    node = scaled(X, by=2, name="s", after=(before,), hints={"layer": 3}).node
    assert (node.name, node.after, node.hints, node.params) == ("s", (before,), {"layer": 3}, {"by": 2})
    with pytest.raises(Error, match=r"operator wrong: \['hints', 'name'\] are keywords of every operator"):

        @op
        def wrong(x: Value, *, name: str, hints: int) -> TensorType:
            return x.tensor


@op
def awkward(op: Value, values: Value, inputs: Value, *, types: int, make: int = 2, value: int = 3) -> TensorType:
    return op.tensor if (types, make, value) == (1, 2, 3) else values.tensor


def test_arguments_may_be_called_anything() -> None:
    y = named_input("y", f32[5])
    for _ in range(2):
        made = awkward(X, y, 0.5, types=1)
        assert made.type is f32[4, 6]
        assert made.node.inputs[:2] == (X, y)
        assert made.node.params == {"types": 1, "make": 2, "value": 3}
    assert awkward(X, y, y, types=4, value=5).node.params == {"types": 4, "make": 2, "value": 5}


def test_a_body_must_return_the_types_it_promises() -> None:
    @op
    def shape_only(x: Value) -> TensorType:
        return x.shape  # type: ignore[return-value]

    @op
    def one_too_many(x: Value) -> TensorType:
        return x.tensor, x.tensor  # type: ignore[return-value]

    @op
    def many(x: Value) -> tuple[TensorType, TensorType]:
        return [x.tensor, x.tensor]  # type: ignore[return-value]

    with pytest.raises(Error, match=r"shape_only\(x: f32\[4, 6\]\): .* returned \(4, 6\), which is no type"):
        shape_only(X)
    with pytest.raises(Error, match="2 types for 1 outputs"):
        one_too_many(X)
    assert many(X)[1].type is many(X)[1].type is f32[4, 6]
    with pytest.raises(Error, match="say how many outputs"):

        @op
        def unsaid(x: Value) -> tuple[TensorType, ...]:
            return (x.tensor,)


@pytest.mark.parametrize("operator", [reshaped, filled, through])
def test_inference_that_looks_at_contents_is_not_remembered_by_type(operator: Any) -> None:
    inputs = (X,) if operator is not filled else ()
    for sizes in [(8, 3), (2, 12), (8, 3)]:
        assert operator(*inputs, shape_constant(*sizes)).type is f32[sizes]
    assert operator(*inputs, named_input("s", i64[2])).type in (f32[...], None)


def test_a_dimension_born_of_data_belongs_to_its_node() -> None:
    assert found(X, name="a").type is found(X, name="a").type is i64["a.0"]
    assert found(X, name="b").type is i64["b.0"]
    assert found(X).type is i64[UNKNOWN]


def test_leaves() -> None:
    data = tensor_data([1, 2], f32[2])
    value = constant(data=data, name="c")
    assert (value.type, is_constant(value), data_of(value)) == (f32[2], True, data)
    assert (is_constant(X), data_of(X)) == (False, None)
    assert (X.node.op, X.node.params, X.node.name) == (input, {"type": f32[4, 6]}, "x")
    assert variable(init=data, name="v").type is f32[2]
    assert variable(type=f32["n"], init=data).type is f32["n"]
    assert input(type=f32[dim("n")]).type is f32["n"]


def test_foreign_operators_carry_anything() -> None:
    one = foreign("Custom", "com.acme")
    assert one is foreign("Custom", "com.acme")
    assert one is not foreign("Custom", "org.acme")
    node = Node(one, (X, ABSENT, X), types=(f32[1], None))
    assert node.types == (f32[1], None)
    assert one(X, X).type is None


@pytest.mark.parametrize("operator", [relu, concat, halves, constant, foreign("Custom", "com.acme")])
def test_pickle_and_deepcopy_find_the_operator(operator: Op[..., Any]) -> None:
    assert pickle.loads(pickle.dumps(operator)) is operator
    assert copy.deepcopy(operator) is operator


def test_a_local_operator_cannot_be_pickled_and_says_so() -> None:
    @op
    def local(x: Value) -> TensorType:
        return x.tensor

    with pytest.raises(Error, match=r"operator local cannot be pickled: .*define it at the top of a module"):
        pickle.dumps(local)


def test_the_data_of_an_error_may_have_no_numbers() -> None:
    @op
    def picky(x: Value, *, data: TensorData) -> TensorType:
        raise ValueError("never")

    with pytest.raises(Error, match=r"data=TensorData\(complex64\[1\]\)\): never"):
        picky(X, data=TensorData(DTYPES["complex64"][1], bytes(8)))


@op(outputs=3, visible=1)
def normalised(x: Value) -> tuple[TensorType, TensorType, TensorType]:
    """Return what is normalised; the mean and the variance that were used are hidden."""
    return x.tensor, x.tensor[()], x.tensor[()]


@op(outputs=lambda inputs, params: params["parts"], visible=lambda inputs, params: params["parts"] - 1)
def most(x: Value, *, parts: int) -> tuple[TensorType, ...]:
    """Return all parts but the last, which is hidden."""
    return (x.tensor,) * parts


def test_hidden_outputs_are_in_the_node_and_not_in_what_a_call_returns() -> None:
    y = normalised(X)
    assert isinstance(y, Value)
    assert (len(y.node.outputs), y, y.node.outputs[1].type) == (3, y.node.outputs[0], f32[()])
    assert normalised(named_input("u")).node.outputs[2].type is None
    parts = most(X, parts=3)
    assert (len(parts), len(parts[0].node.outputs)) == (2, 3)
    assert len(most(X, parts=2)) == 1
    assert (most.visible_outputs((X,), {"parts": 3}), halves.visible_outputs((X,), {})) == (2, 2)


def test_hidden_outputs_survive_print_parse_rewrite_and_same() -> None:
    y = normalised(X, name="bn")
    graph = Graph([add(relu(y), relu(y.node.outputs[2]))])
    text = str(graph)
    assert "bn_0, bn_1, bn_2 = normalised(x, name='bn')" in text
    known = {"normalised": normalised, "add": add, "relu": relu}
    assert same(parse(text, known), graph, names=True)
    assert str(parse(text, known)) == text
    negated = graph.rewrite(lambda node: normalised(neg(X)).node.outputs if node.op is normalised else None)
    assert [value.node.op for value in negated["bn.2"].node.inputs] == [neg]
    assert not same(negated, graph)
    moved = graph.rewrite(lambda node: neg(X) if node.op is input else None)
    assert len(moved["bn"].node.outputs) == 3
    assert trace(normalised, x=f32[4]).outputs[0].type is f32[4]
    assert len(trace(normalised, x=f32[4]).outputs) == 1


@pytest.mark.parametrize("visible", [0, 4, -1])
def test_at_least_one_output_is_visible_and_at_most_all(visible: int) -> None:
    with pytest.raises(
        Error, match=rf"operator wrong: a call returns {visible} of 3 outputs; at least one, at most all"
    ):

        @op(outputs=3, visible=visible)
        def wrong(x: Value) -> tuple[TensorType, TensorType, TensorType]:
            return x.tensor, x.tensor, x.tensor
