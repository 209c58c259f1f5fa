import pytest
from tests.ir.operators import add, tanh

from nnvm.errors import Error
from nnvm.ir import Graph, Value, constant, f32, f64, same, tensor_data, trace


def test_annotations_and_keywords_type_the_inputs() -> None:
    def model(x: f32[5, 2], y, *, z: "f64[3]"):  # type: ignore[no-untyped-def, valid-type]
        return tanh(x), y, z

    graph = trace(model, y=f32[7])
    assert [(value.name, value.type) for value in graph.inputs] == [("x", f32[5, 2]), ("y", f32[7]), ("z", f64[3])]
    assert [value.type for value in graph.outputs] == [f32[5, 2], f32[7], f64[3]]
    assert graph.name == "model"
    assert trace(model).inputs[1].type is None
    assert trace(model, x=None).inputs[0].type is None


def test_a_mapping_names_the_outputs() -> None:
    def model(x: Value) -> dict[str, Value]:
        return {"b": tanh(x), "a": x}

    assert trace(model, x=f32[2]).output_names == ("b", "a")


def test_numbers_and_data_are_wanted_too() -> None:
    def model(x: Value) -> tuple[object, ...]:
        return x, 2, tensor_data(1, f64[3])

    assert [value.type for value in trace(model, x=f32[2]).outputs] == [f32[2], f32[()], f64[3]]
    assert trace(lambda: tensor_data(1, f64[3])).outputs[0].node.op is constant
    assert trace(lambda: 2.5).outputs[0].type is f32[()]


def test_what_is_traced_is_what_was_built() -> None:
    def model(x: Value, y: Value) -> Value:
        return add(tanh(x), y)

    first, second = trace(model, x=f32[2], y=f32[2]), trace(model, x=f32[2], y=f32[2])
    assert isinstance(first, Graph)
    assert same(first, second)
    assert not same(first, trace(model, x=f32[2], y=f32[()]))


@pytest.mark.parametrize(
    ("returned", "message"),
    [(None, "model returned a NoneType"), ("text", "model returned a str"), ((None,), "model returned a NoneType")],
)
def test_what_is_no_value_is_refused(returned: object, message: str) -> None:
    def model(x: Value) -> object:
        return returned

    with pytest.raises(Error, match=message):
        trace(model, x=f32[2])


def test_unknown_keywords_are_refused() -> None:
    def model(x: Value) -> Value:
        return x

    with pytest.raises(Error, match="model has no argument a, y; it has x"):
        trace(model, y=f32[2], a=f32[2])


def test_defaults_are_kept_and_typed_arguments_are_inputs() -> None:
    def net(x: f32[3], slope=2.0, y: f32[3] = None):
        return add(x, y) if slope == 2.0 else x

    assert [value.name for value in trace(net).inputs] == ["x", "y"]


def test_an_operator_and_a_partial_are_traced() -> None:
    from functools import partial

    graph = trace(add, x=f32[3], y=f32[3])
    assert (graph.name, len(graph.inputs)) == (add.name, 2)
    assert len(trace(partial(lambda x, k: add(x, k), k=1.0), x=f32[3]).inputs) == 1


def test_arguments_without_names_are_refused() -> None:
    with pytest.raises(Error, match="cannot be traced"):
        trace(lambda *xs: xs[0])
