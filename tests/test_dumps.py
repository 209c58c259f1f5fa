"""What is kept of a run: printed graphs, numbered files, and reproducers that replay."""

import json
from io import StringIO

import pytest

from nnvm import ops
from nnvm.dumps import dumper, printer, read_repro, versions, write_repro, write_text
from nnvm.errors import Error
from nnvm.frontends import load
from nnvm.ir import EMPTY, Graph, Node, f32, foreign, named_input, same, tensor_data, trace
from nnvm.pipeline import PassError, optimize


def graph_of_net() -> Graph:
    return trace(lambda x: {"y": ops.relu(ops.neg(ops.neg(x)) + 0.0)}, x=f32[3])


PIPELINE = "infer_types,fold_constants{limit=3},simplify,cse"


def printed(**chosen: object) -> str:
    stream = StringIO()
    optimize(graph_of_net(), PIPELINE, report=printer(stream, **chosen))
    return stream.getvalue()


def headings(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("#")]


def test_graphs_are_printed_after_what_was_chosen():
    assert printed() == ""
    assert headings(printed(every=True)) == [
        "# 1 infer_types: unchanged", "# 2 fold_constants{limit=3}: unchanged", "# 3 simplify: 1 nodes",
        "# 4 cse: unchanged",
    ]  # fmt: skip
    assert headings(printed(changed=True)) == ["# 3 simplify: 1 nodes"]
    assert headings(printed(names=["cse", "dce"])) == ["# 4 cse: unchanged"]
    assert str(optimize(graph_of_net(), PIPELINE)) in printed(names=["simplify"])


def test_a_file_for_the_start_and_one_for_each_change(tmp_path):
    optimize(graph_of_net(), PIPELINE, report=dumper(tmp_path / "a" / "b"))
    files = {path.name: path.read_text() for path in (tmp_path / "a" / "b").iterdir()}
    assert sorted(files) == ["000-start.nnvm", "003-simplify.nnvm"]
    assert files["000-start.nnvm"] == f"{graph_of_net()}\n"
    assert files["003-simplify.nnvm"] == f"{optimize(graph_of_net(), PIPELINE)}\n"


def test_what_was_written_loads_again_with_its_large_constants(tmp_path):
    pytest.importorskip("safetensors")
    weight = tensor_data([float(i) for i in range(400)], f32[20, 20])
    graph = trace(lambda x: {"y": ops.neg(ops.neg(ops.matmul(x, weight)))}, x=f32[3, 20])
    smaller = optimize(graph, "simplify", report=dumper(tmp_path))
    assert same(load(tmp_path / "000-start.nnvm"), graph)
    assert same(load(tmp_path / "001-simplify.nnvm"), smaller)


def test_a_graph_without_a_file_is_written_to_be_read(tmp_path):
    def spoil(graph: Graph) -> Graph:
        node = graph.outputs[0].node
        return graph.replace(outputs=Node(node.op, node.inputs, EMPTY, (f32[9],), "wrong").outputs)

    optimize(graph_of_net(), [spoil], report=dumper(tmp_path))
    assert "wrong: f32[9] = relu(" in (tmp_path / "001-spoil.nnvm").read_text()


def failing(graph: Graph, *, size: int = 1) -> Graph:
    raise KeyError(size)


def failure(graph: Graph, last=failing) -> PassError:
    with pytest.raises(PassError) as caught:
        optimize(graph, ["simplify", last], verify_each=True)
    return caught.value


def test_a_reproducer_holds_the_graph_before_the_pass_and_what_it_hangs_on(tmp_path):
    options = {"seed": 7, "limits": (0.0, 1.0), "verify_each": True}
    path = write_repro(tmp_path / "d", failure(graph_of_net()), **options)
    assert path == tmp_path / "d" / "002-failing.repro.json"
    found = read_repro(path)
    assert (found.pipeline, found.seed, found.limits, found.verify_each) == ("failing", 7, (0.0, 1.0), True)
    assert found.error == "in failing: KeyError: 1"
    assert found.versions == versions()
    assert {"nnvm", "python", "numpy"} <= set(found.versions)
    assert [node.op for node in load(found.graph).nodes if node.inputs] == [ops.relu]


def test_what_verification_refused_lies_beside_it(tmp_path):
    def spoil(graph: Graph) -> Graph:
        return graph.replace(outputs=[ops.tanh(graph.outputs[0])])

    path = write_repro(tmp_path, failure(graph_of_net(), spoil), seed=0, limits=None, verify_each=True)
    assert "tanh(" in (tmp_path / "002-spoil.nnvm").read_text()
    assert read_repro(path).limits is None


def test_a_graph_that_no_file_holds_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr("nnvm.dumps.FORMATS", {".onnx": "nnvm.frontends.onnx"})
    x = named_input("x")
    odd = Node(foreign("Odd", "here"), (x,), EMPTY, (None,), "odd", after=(ops.neg(x).node,))
    with pytest.raises(Error, match=r"cannot be saved, so nothing can be replayed \(002-failing.before.onnx: "):
        write_repro(tmp_path, failure(Graph(odd.outputs, [x])), seed=0, limits=None, verify_each=False)


GOOD = {"format": "nnvm reproducer 1", "graph": "g.onnx", "pipeline": "cse", "seed": 0, "range": None,
        "verify_each": True, "error": "e", "versions": {}}  # fmt: skip


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("[]", "is no reproducer"),
        ({"format": "nnvm reproducer 0"}, "is no reproducer"),
        ({"graph": 3}, "lacks graph"),
        ({"seed": "x", "pipeline": None}, "lacks pipeline, seed"),
        ({"range": [1]}, "lacks range"),
        ({"range": 3}, "lacks range"),
    ],
)
def test_a_file_that_is_no_reproducer_is_refused(tmp_path, content, told):
    path = tmp_path / "x.repro.json"
    path.write_text(content if isinstance(content, str) else json.dumps({**GOOD, **content}))
    with pytest.raises(Error, match=told):
        read_repro(path)
    path.write_text(json.dumps(GOOD))
    assert read_repro(path).graph == tmp_path / "g.onnx"
    with pytest.raises(Error, match="cannot read"):
        read_repro(tmp_path / "none.json")


def test_text_is_written_whole_or_not_at_all(tmp_path):
    write_text(tmp_path / "a.txt", "α\n")
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "α\n"
    with pytest.raises(Error, match="cannot be written"):
        write_text(tmp_path / "no" / "a.txt", "")
    (tmp_path / "folder").mkdir()
    with pytest.raises(Error, match="cannot be written"):
        write_text(tmp_path / "folder", "")
    with pytest.raises(Error, match="cannot be written"):
        dumper(tmp_path / "a.txt")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "folder"]
