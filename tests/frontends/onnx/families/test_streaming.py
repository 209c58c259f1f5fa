from tests.frontends.onnx.models import graph_of, model, node, spelled, written

from nnvm import ops


def test_the_size_of_chunks_is_left_out() -> None:
    names = ["q", "k", "v"]
    heads = {"q_num_heads": 2, "kv_num_heads": 1, "update_rule": "linear"}
    made = model(
        [node("LinearAttention", names, ["y", "s"], chunk_size=16, **heads)],
        [("q", [1, 3, 4]), ("k", [1, 3, 2]), ("v", [1, 3, 2])],
        [("y", [1, 3, 4]), ("s", [1, 1, 2, 2])],
        opset=27,
        ir_version=13,
    )
    graph = graph_of(made)
    assert graph.outputs[0].node.op is ops.linear_attention
    made.graph.node[0].attribute.remove(
        next(each for each in made.graph.node[0].attribute if each.name == "chunk_size")
    )
    assert spelled(written(graph)) == spelled(made)
