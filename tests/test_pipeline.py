"""Passes in a row: what runs, what is told, what they are handed; and a graph made callable by a backend's name."""

import subprocess
import sys
from collections import Counter

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import nnvm
from nnvm import ops
from nnvm.errors import Error
from nnvm.frontends.onnx import load
from nnvm.ir import EMPTY, Graph, Node, Value, constant, f32, foreign, i64, named_input, params, tensor_data, trace
from nnvm.passes import DEFAULT, PASSES
from nnvm.pipeline import (
    ROUNDS,
    PassError,
    all_passes,
    backend,
    compile,
    count_nodes,
    operator_counts,
    optimize,
    stages,
)  # fmt: skip


def net(x):
    return ops.relu(ops.neg(ops.neg(x)) * 1.0 + 0.0)


def graph_of_net() -> Graph:
    return trace(net, x=f32[2, 3])


def test_the_default_pipeline_reaches_its_fixpoint():
    smaller = optimize(graph_of_net())
    assert operator_counts(smaller) == {"relu": 1}
    assert optimize(smaller) is smaller


def test_a_graph_that_nothing_changes_is_the_same_object_after_one_round():
    smaller, told = optimize(graph_of_net()), []
    assert optimize(smaller, report=told.append) is smaller
    assert [each.name for each in told] == [each.__name__ for each in DEFAULT]


def test_rounds_end_even_where_a_pass_never_does(monkeypatch):
    def wrap(graph):
        return Graph([ops.tanh(graph.outputs[0])], graph.inputs)

    monkeypatch.setattr("nnvm.pipeline.DEFAULT", (wrap,))
    assert operator_counts(optimize(trace(lambda x: x, x=f32[2]))) == {"tanh": ROUNDS}


def test_given_passes_run_once_each_in_their_order():
    ran = []

    def first(graph):
        ran.append("first")
        return graph

    def second(graph):
        ran.append("second")
        return Graph([ops.tanh(graph.outputs[0])], graph.inputs)

    changed = optimize(graph_of_net(), [second, first, second, "dce"])
    assert ran == ["second", "first", "second"]
    assert operator_counts(changed)["tanh"] == 2
    graph = graph_of_net()
    assert optimize(graph, []) is graph


def test_an_unknown_pass_is_refused_before_any_runs():
    def never(graph):
        raise AssertionError

    with pytest.raises(Error, match=r"no pass 'shrink'; the passes are cancel_layout, cse, dce"):
        optimize(graph_of_net(), [never, "shrink"])


def test_passes_have_the_names_they_are_found_by():
    assert all(each.__name__ == name for name, each in PASSES.items())
    assert {each.__name__ for each in DEFAULT} <= set(PASSES)


def test_the_report_tells_names_seconds_and_nodes():
    told = []
    optimize(graph_of_net(), ["infer_types", "simplify"], report=told.append)
    assert [(each.name, each.nodes) for each in told] == [("infer_types", 5), ("simplify", 1)]
    assert all(each.seconds >= 0 for each in told)


def test_a_pass_is_handed_what_its_positional_parameters_name():
    def fold_all(graph, evaluate, /, *, limit=3):
        (node,) = [node for node in graph.nodes if node.op is ops.add]
        (data,) = evaluate(node)
        assert limit == 3
        return Graph([constant(data=data)])

    def place(graph, pack, evaluate, /):
        from nnvm.runtime.memory import Block

        assert list(pack([Block(0, 2, 100), Block(1, 3, 100)], 64)) in ([0, 128], [128, 0])
        assert callable(evaluate)
        return graph

    one = constant(data=tensor_data([1.0, 2.0], f32[2]))
    found = optimize(Graph([ops.add(one, one)]), [place, fold_all])
    assert list(found.outputs[0].node.params["data"].values()) == [2.0, 4.0]


def test_a_pipeline_is_text_too():
    text = "infer_types, fold_constants{limit=8}, simplify"
    told = []
    assert operator_counts(optimize(graph_of_net(), text, report=told.append)) == {"relu": 1}
    assert [str(run.stage) for run in told] == ["infer_types", "fold_constants{limit=8}", "simplify"]
    assert [run.number for run in told] == [1, 2, 3]
    assert [run.changed for run in told] == [False, False, True]
    assert [str(each) for each in stages(["dce", "fold_constants{limit=8}"])] == ["dce", "fold_constants{limit=8}"]
    assert [each.function for each in stages()] == list(DEFAULT)
    graph = graph_of_net()
    assert optimize(graph, "") is graph


def test_options_reach_the_pass():
    def tiled():
        data = constant(data=tensor_data([1.0, 2.0], f32[2]))
        return Graph([ops.tile(data, tensor_data([100], i64[1]))])

    assert operator_counts(optimize(tiled(), "fold_constants{limit=8}")) == {"tile": 1}
    assert operator_counts(optimize(tiled(), "fold_constants{limit=800}")) == {}


@pytest.mark.parametrize(
    ("text", "told", "caret"),
    [
        ("cse,shrink", "there is no pass 'shrink'; the passes are", 4),
        ("fold_constants{size=8}", "fold_constants has no option size; its options are limit", 15),
        ("fold_constants{limit='8'}", "limit is int, and '8' is not", 21),
    ],
)
def test_a_wrong_pipeline_is_refused_at_its_place(text, told, caret):
    with pytest.raises(Error, match=told) as caught:
        optimize(graph_of_net(), text)
    assert str(caught.value).split("\n")[1:] == [f"  {text}", " " * (2 + caret) + "^"]


def test_the_first_runs_alone_to_bisect():
    told = []
    graph = graph_of_net()
    assert optimize(graph, stop_after=0, report=told.append) is graph
    assert told == []
    optimize(graph, stop_after=3, report=told.append)
    assert [run.name for run in told] == [each.__name__ for each in DEFAULT[:3]]
    every = []
    whole = optimize(graph, report=every.append)
    assert len(every) > len(DEFAULT)
    assert str(optimize(graph, stop_after=len(every))) == str(whole)
    assert str(optimize(graph, stop_after=len(DEFAULT) + 1)) == str(every[len(DEFAULT)].after)


def test_a_pass_that_raises_is_named():
    def crash(graph, *, size=1):
        raise KeyError("lost")

    def starve(graph):
        raise MemoryError

    with pytest.raises(PassError, match="in crash: KeyError: 'lost'") as caught:
        optimize(graph_of_net(), ["simplify", crash])
    error = caught.value
    assert (error.number, str(error.stage), error.after) == (2, "crash", None)
    assert operator_counts(error.before) == {"relu": 1}
    assert isinstance(error.__cause__, KeyError)
    with pytest.raises(PassError, match="in <lambda>: it returned NoneType, not a graph"):
        optimize(graph_of_net(), [lambda graph: None])
    with pytest.raises(MemoryError):
        optimize(graph_of_net(), [starve])


def test_a_pass_that_asks_for_what_nobody_has_is_named():
    def greedy(graph, oracle, /):
        return graph

    with pytest.raises(
        PassError, match="in greedy: it asks for 'oracle', and passes can ask for evaluate, optimize, pack"
    ):
        optimize(graph_of_net(), [greedy])


def test_passes_are_listed_in_the_order_they_run():
    listed = list(all_passes())
    assert listed[: len(set(DEFAULT))] == list(dict.fromkeys(each.__name__ for each in DEFAULT))
    assert set(PASSES) <= set(listed)


def test_a_stranger_with_the_name_of_one_of_ours_is_refused_in_the_list(monkeypatch):
    from importlib.metadata import EntryPoint

    from nnvm import plugins

    offer = EntryPoint("cse", "strange:cse", "nnvm.passes")
    monkeypatch.setattr(plugins, "installed", lambda: [offer])
    plugins.forget()
    try:
        with pytest.raises(Error, match=r"the pass 'cse' is offered by strange and by nnvm"):
            all_passes()
    finally:
        plugins.forget()


def test_verify_each_names_the_pass_that_broke_the_graph():
    def spoil(graph):
        value = graph.outputs[0]
        return Graph(Node(value.node.op, value.node.inputs, EMPTY, (f32[9],), "bad").outputs, graph.inputs)

    optimize(graph_of_net(), [spoil])
    with pytest.raises(Error, match="after spoil: ") as caught:
        optimize(graph_of_net(), ["simplify", spoil], verify_each=True)
    assert isinstance(caught.value.__cause__, Error)
    optimize(graph_of_net(), verify_each=True)


def shape_input() -> Value:
    return named_input("shape", i64[2])


def test_nodes_are_operators_and_neither_constants_nor_fills_of_constant_shape():
    one = tensor_data([1.0], f32[1])
    known = ops.fill(tensor_data([2, 3], i64[2]), value=one)
    open_shape = shape_input()
    asked = ops.fill(open_shape, value=one)
    graph = Graph([ops.add(known, 1.0), ops.relu(asked)], [open_shape])
    assert operator_counts(graph) == {"add": 1, "fill": 1, "relu": 1}
    assert count_nodes(graph) == 3


def test_nodes_inside_a_carried_operator_count():
    x = named_input("x", f32[3])
    held = params({"nodes": Counter({"relu": 2, "Odd": 1})})
    carried = Node(foreign("Loop", "onnx"), (x,), held, (f32[3],), "loop")
    graph = Graph([ops.relu(carried.outputs[0])], [x])
    assert operator_counts(graph) == {"Loop": 1, "Odd": 1, "relu": 3}
    assert count_nodes(graph) == 5


def test_nodes_of_sub_graphs_of_a_file_count_without_their_constants(tmp_path):
    one = helper.make_tensor("one", TensorProto.FLOAT, [1], [1.0])
    shape = helper.make_tensor("s", TensorProto.INT64, [1], [3])
    y = [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
    then = [helper.make_node("Constant", [], ["c"], value=one), helper.make_node("Add", ["x", "c"], ["y"])]
    other = [helper.make_node("Relu", ["x"], ["r"]), helper.make_node("Neg", ["r"], ["y"])]
    nodes = [
        helper.make_node("Constant", [], ["shape"], value=shape),
        helper.make_node("ConstantOfShape", ["shape"], ["zeros"], value=one),
        helper.make_node(
            "If", ["p"], ["z"], then_branch=helper.make_graph(then, "then", [], y),
            else_branch=helper.make_graph(other, "else", [], y),
        ),
        helper.make_node("Add", ["z", "zeros"], ["out"]),
    ]  # fmt: skip
    inputs = [helper.make_tensor_value_info("p", TensorProto.BOOL, [])]
    inputs.append(helper.make_tensor_value_info("x", TensorProto.FLOAT, [3]))
    out = [helper.make_tensor_value_info("out", TensorProto.FLOAT, [3])]
    model = helper.make_model(
        helper.make_graph(nodes, "g", inputs, out), opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    )
    onnx.save(model, tmp_path / "if.onnx")
    assert count_nodes(load(tmp_path / "if.onnx")) == 5  # If, Add in and out of it, Relu, Neg


def test_a_backend_is_found_by_name_or_given():
    found = backend("numpy")
    assert found.name == "numpy"
    assert backend(found) is found
    with pytest.raises(Error, match="no backend 'abacus'; there is: numpy"):
        backend("abacus")
    with pytest.raises(Error, match="no backend"):
        compile(graph_of_net(), "abacus")


def test_a_library_that_a_backend_lacks_is_not_hidden(monkeypatch):
    monkeypatch.setitem(sys.modules, "nnvm.backends.numpy.table", None)
    with pytest.raises(Error, match="no backend"):
        backend("numpy")
    monkeypatch.undo()

    def lacking(name):
        raise ModuleNotFoundError("No module named 'cupy'", name="cupy")

    monkeypatch.setattr("nnvm.pipeline.import_module", lacking)
    with pytest.raises(ModuleNotFoundError, match="cupy"):
        backend("numpy")


def test_compile_makes_a_callable_that_holds_its_program():
    run = compile(graph_of_net(), io="arena", alignment=128)
    assert run.program.alignment == 128
    assert run.program.meta["plan"]["io"] == "arena"
    x = np.array([[1, -2, 3], [-4, 5, -6]], np.float32)
    np.testing.assert_array_equal(run(x=x)[0], x.clip(0))


def test_compile_takes_another_packer():
    asked = []

    def pack(blocks, alignment):
        asked.append(len(blocks))
        return [i * 1024 for i in range(len(blocks))]

    compile(trace(lambda x: ops.reduce_sum(ops.tanh(x)), x=f32[4]), pack=pack)
    assert asked == [1]


@pytest.mark.parametrize(
    "before",
    [
        "import nnvm",
        "import nnvm; nnvm.optimize",
        "import nnvm.compile, nnvm",
        "from nnvm.compile import plan; import nnvm",
    ],
)
def test_the_door_is_the_function_whatever_was_imported(before):
    program = f"{before}; assert nnvm.compile.__module__ == 'nnvm.pipeline'; from nnvm.compile.plan import plan"
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)
    assert nnvm.compile is compile
    assert nnvm.optimize is optimize


def test_the_identities_that_onnx_will_have_are_counted(tmp_path):
    def net(x: f32[3], y: f32[3]):
        z = ops.relu(x)
        return {"a": ops.identity(y), "b": z, "c": ops.identity(z), "d": ops.identity(y)}

    nnvm.save(nnvm.trace(net), tmp_path / "a.onnx")
    loaded = nnvm.load(tmp_path / "a.onnx")
    assert operator_counts(loaded) == {"identity": 3, "relu": 1}
    smaller = nnvm.optimize(loaded)
    nnvm.save(smaller, tmp_path / "b.onnx")
    written = onnx.load(tmp_path / "b.onnx").graph.node
    assert sorted(node.op_type for node in written) == ["Identity", "Identity", "Identity", "Relu"]
    assert (count_nodes(smaller), operator_counts(smaller)) == (len(written), {"identity": 3, "relu": 1})
    assert count_nodes(smaller.replace(hints={})) == 1  # where no file of ONNX is meant
