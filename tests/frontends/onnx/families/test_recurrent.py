import numpy as np
import pytest
from tests.frontends.onnx.models import check_row_against_onnx, graph_of, model, node, spelled, written

from nnvm.errors import Error
from nnvm.frontends.onnx.families import recurrent
from nnvm.frontends.onnx.rows import Row

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


def layer(type: str, opset: int, inputs: tuple[str, ...] = (), outputs: tuple[str, ...] = ("y",), **attributes: object):
    gates = GATES[type]
    weights = {"w": np.ones((1, 2 * gates, 3), "f"), "r": np.ones((1, 2 * gates, 2), "f"), "s": np.ones(4, np.int32)}
    made = node(type, ["x", "w", "r", *inputs], outputs, hidden_size=2, **attributes)
    ports = [(name, [5, 1, 4, 2] if name == "y" else [1, 4, 2]) for name in outputs if name]
    kept = {name: array for name, array in weights.items() if name in made.input}
    return model([made], [("x", [5, 4, 3])], ports, opset=opset, weights=kept)


@pytest.mark.parametrize("row", recurrent.ROWS, ids=lambda row: row.type)
def test_row_agrees_with_onnx(row: Row) -> None:
    check_row_against_onnx(row)


@pytest.mark.parametrize("type", GATES)
@pytest.mark.parametrize("opset", [7, 11, 14, 21, 22])
def test_any_opset_is_read_and_written_back(type: str, opset: int) -> None:
    more = {"activations": ["LeakyRelu"] * (3 if type == "LSTM" else 2), "activation_alpha": [0.25], "clip": 0.5}
    for made in (layer(type, opset), layer(type, opset, ("", "s"), **more), layer(type, opset, (), ("", "h"))):
        graph = graph_of(made)
        assert not any(item.op.foreign for item in graph.nodes)
        assert spelled(written(graph)) == spelled(made)


def test_a_layout_needs_a_newer_opset() -> None:
    made = layer("GRU", 14, (), ("", "h"))
    del made.graph.output[:]
    made.graph.output.extend(model([], [], [("h", [5, 1, 2])]).graph.output)
    made.graph.node[0].attribute.append(node("A", [], [], layout=1).attribute[0])
    with pytest.raises(Error, match="GRU has no attribute 'layout' yet; save with opset=14"):
        written(graph_of(made), 13)
