"""`nnvm reduce`: what it says, what it writes, when it fails."""

import sys
from pathlib import Path

import pytest
from tests.command import nnvm, small_model

from nnvm import ops, passes
from nnvm.errors import Error
from nnvm.frontends import load
from nnvm.ir import operators, verify
from nnvm.reduce import files
from nnvm.reduce.files import reduce_into


def spoil(graph):
    """Turn relu into tanh."""
    return graph.rewrite(lambda node: ops.tanh(node.inputs[0]) if node.op is ops.relu else None)


def crash(graph):
    """Fail on a relu."""
    if any(node.op is ops.relu for node in graph.nodes):
        raise IndexError("out of bounds")
    return graph


@pytest.fixture(autouse=True)
def wrong_passes(monkeypatch):
    monkeypatch.setitem(passes.PASSES, "spoil", spoil)
    monkeypatch.setitem(passes.PASSES, "crash", crash)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return small_model(tmp_path / "m.onnx")


def test_a_model_is_reduced_while_a_command_says_so(tmp_path, model):
    script = tmp_path / "test.py"
    script.write_text("import sys; sys.exit(b'Relu' not in open(sys.argv[1], 'rb').read())")
    out = tmp_path / "small.onnx"
    code, result, err = nnvm("reduce", model, "--test", f"{sys.executable} {script}", "-o", out, "--json")
    assert (code, err) == (0, "")
    assert (result["before"]["nodes"], result["after"]["nodes"], result["stopped"]) == (5, 1, "smallest")
    assert result["after"]["operators"] == {"relu": 1}
    assert (result["output"], result["failure"], result["pass"]) == (str(out), None, None)
    assert result["steps"][-1]["nodes"] == 1
    assert [node.op for node in operators(verify(load(out)))] == [ops.relu]
    assert {"test", "tests", "seconds", "text", "before", "after"} <= set(result)


def test_a_model_is_reduced_while_a_pass_is_wrong_in_the_same_way(tmp_path, model):
    out = tmp_path / "small.nnvm"
    code, told, err = nnvm("reduce", model, "--pass", "simplify,spoil", "-o", out)
    assert (code, err) == (0, "")
    assert "relu(" in told
    assert "it still shows: after spoil: output" in told
    assert f"1 in {out}; " in told
    code, _, err = nnvm("opt", out, "-p", "spoil", "--verify-each")
    assert code == 1
    assert "after spoil: output" in err


def test_a_crash_is_reduced_without_verification(tmp_path, model):
    out = tmp_path / "small.nnvm"
    code, result, _ = nnvm("reduce", model, "--pass", "crash", "--crash", "-o", out, "--json")
    assert (code, result["after"]["nodes"], result["pass"]) == (0, 1, "crash")
    assert result["failure"] == "in crash: IndexError: out of bounds"
    code, _, err = nnvm("reduce", model, "--pass", "spoil", "--crash", "-o", out)
    assert code == 1
    assert "no pass fails" in err


def test_the_result_lies_beside_the_model_where_no_place_is_given(model):
    assert nnvm("reduce", model, "--pass", "spoil", "--limit", "4")[0] == 0
    assert (model.parent / "m.reduced.nnvm").exists()


def test_a_limit_leaves_the_best_so_far(tmp_path, model):
    code, result, _ = nnvm("reduce", model, "--pass", "spoil", "--limit", "2", "-o", tmp_path / "o.nnvm", "--json")
    assert (code, result["tests"], result["stopped"]) == (0, 2, "limit")
    assert load(tmp_path / "o.nnvm").outputs


def test_an_interrupt_leaves_the_best_so_far_and_says_so(tmp_path, model, monkeypatch):
    count = [0]

    class Impatient(files.FailingPass):
        def __call__(self, graph):
            count[0] += 1
            if count[0] == 6:
                raise KeyboardInterrupt
            return super().__call__(graph)

    monkeypatch.setattr(files, "FailingPass", Impatient)
    code, _, err = nnvm("reduce", model, "--pass", "spoil", "-o", tmp_path / "o.nnvm", "--json")
    assert code == 1
    assert err == f"error: interrupted; the smallest so far is in {tmp_path / 'o.nnvm'}\n"
    assert len(operators(load(tmp_path / "o.nnvm"))) < 5


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        ((), 2, "--pass"),
        (("--test", "true", "--pass", "cse"), 2, "--pass"),
        (("--test", "true", "--crash"), 2, "--pass"),
        (("--pass", "cse"), 1, "no pass fails"),
        (("--test", "false"), 1, "`false` does not"),
        (("--test", "no-such-command"), 1, "cannot be run"),
        (("--pass", "spoil", "-o", "out"), 1, "name it out.nnvm"),
        (("--test", "true", "-o", "out.xyz"), 1, "xyz"),
        (("--pass", "spoil", "-o", "no/such/folder/out.nnvm"), 1, "folder"),
    ],
)
def test_what_cannot_be_reduced_is_one_line(model, arguments, code, told):
    place = () if "-o" in arguments else ("-o", model.parent / "out.nnvm")
    found, out, err = nnvm("reduce", model, *arguments, *place)
    assert (found, out) == (code, "")
    assert told in err
    if code == 1:
        assert err.count("\n") == 1


def test_a_wrong_pipeline_is_shown_with_a_caret(model):
    code, _, err = nnvm("reduce", model, "--pass", "cse,nonsense")
    assert code == 1
    assert err.endswith("\n  cse,nonsense\n      ^\n")


def test_it_is_a_function_too(tmp_path, model):
    told = []
    result = reduce_into(load(model), tmp_path / "o.nnvm", passes="spoil", progress=lambda *row: told.append(row))
    assert result["text"] == str(load(tmp_path / "o.nnvm"))
    assert len(told) == result["tests"]
    with pytest.raises(Error, match="no suffix"):
        reduce_into(load(model), tmp_path / "o", passes="spoil")
