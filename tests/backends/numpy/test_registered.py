"""Kernels of other packages: by full name, once, found through entry points, with their workspace."""

import sys

import numpy as np
import pytest

import nnvm
from nnvm import plugins
from nnvm.backends.numpy import NumpyDevice, kernel, registered, table
from nnvm.errors import Error
from nnvm.ir import EMPTY, f32, foreign


@pytest.fixture(autouse=True)
def _nothing_added(monkeypatch):
    monkeypatch.setattr(registered, "_kernels", {})
    monkeypatch.setattr(registered, "_workspaces", {})
    plugins.forget()
    yield
    plugins.forget()


@nnvm.op
def half(x: nnvm.Value) -> nnvm.TensorType:
    """Return x / 2."""
    return x.type


nnvm.attrs.kernel[half] = "tests:half/1"


def graph_of(n):
    return nnvm.trace(lambda x: half(half(x)), x=f32[n])


def test_a_kernel_is_added_and_run_by_its_name():
    with pytest.raises(Error, match=r"numpy has no kernel for half \(2 uses\), so nothing was run"):
        nnvm.compile(graph_of(4))(x=np.ones(4, "f4"))

    @kernel("tests:half/1")
    def compute(out, x):
        np.divide(x, 2, out=out)

    run = nnvm.compile(graph_of(4))
    assert run(x=np.full(4, 8, "f4"))[0].tolist() == [2, 2, 2, 2]
    assert {step.kernel for step in run.program.steps} == {"tests:half/1"}
    assert registered.find("tests:half/1") is compute
    assert registered.workspace_of("tests:half/1") is None


def test_a_kernel_is_given_the_workspace_it_declares():
    sizes = []

    @kernel("tests:half/1", workspace=lambda outs, ins, item, params: 2 * item * ins[0][0])
    def compute(out, x, *, workspace):
        sizes.append(workspace.nbytes)
        np.divide(x, 2, out=out)

    assert nnvm.compile(graph_of(4))(x=np.full(4, 8, "f4"))[0].tolist() == [2, 2, 2, 2]
    assert min(sizes) >= 32


def test_a_name_is_taken_once():
    kernel("tests:half/1")(print)
    with pytest.raises(Error, match=r"the kernel 'tests:half/1' is offered by builtins and by .*; rename one"):
        kernel("tests:half/1")(test_a_name_is_taken_once)


@pytest.mark.parametrize(
    "name", ["half", "numpy:half/1", "tests:half", "tests:half/x", ":half/1", "tests:/1", "a:b/1 "]
)
def test_a_name_says_whose_and_which_version(name):
    with pytest.raises(Error, match="cannot name a kernel of yours; write PREFIX:NAME/VERSION"):
        kernel(name)


def test_an_unknown_prefix_is_looked_for_among_plugins(tmp_path, monkeypatch):
    info = tmp_path / "far-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: far\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[nnvm.backends]\nnumpy.far = far_kernels\n")
    source = "from nnvm.backends.numpy import kernel\n@kernel('far:two/1')\ndef two(out): out[...] = 2\n"
    (tmp_path / "far_kernels.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(Error, match="no kernel 'near:two/1'; install the package that brings 'near', or import it"):
        NumpyDevice().kernel("near:two/1")
    assert "far_kernels" not in sys.modules
    out = np.zeros(2)
    NumpyDevice().kernel("far:two/1")(out)
    assert out.tolist() == [2, 2]
    with pytest.raises(Error, match="no kernel 'far:three/1'"):
        NumpyDevice().kernel("far:three/1")
    with pytest.raises(Error, match=r"no kernel 'numpy:three/1'; compile the graph again"):
        NumpyDevice().kernel("numpy:three/1")
    del sys.modules["far_kernels"]


def test_a_foreign_operator_has_no_kernel():
    from nnvm.backends.numpy.table import call

    x = nnvm.ir.named_input("x", f32[2])
    node = nnvm.Node(foreign("half", "somewhere"), (x,), EMPTY, (f32[2],), None, (), {})
    assert call(node) is None


def test_a_carried_operator_runs_where_somebody_says_how(monkeypatch):
    odd = foreign("Odd", "com.acme")
    x = nnvm.ir.named_input("x", f32[3])
    graph = nnvm.Graph(nnvm.Node(odd, (x,), EMPTY, (f32[3],)).outputs, [x])
    assert table.call(graph.outputs[0].node) is None
    monkeypatch.setattr(table.lowering, "_table", dict(table.lowering._table))
    table.lowering.override(odd, lambda node: ("tests:odd/1", node.inputs, {"by": 3}))
    assert table.call(graph.outputs[0].node) is None  # there is no such kernel yet

    @kernel("tests:odd/1")
    def compute(out, x, *, by):
        np.multiply(x, by, out=out)

    assert nnvm.compile(graph)(x=np.ones(3, "f4"))[0].tolist() == [3, 3, 3]
