"""Each part stands alone: what a bare install lacks is hidden, and the part still works."""

import subprocess
import sys

import pytest

HIDDEN = ("numpy", "typer", "rich", "onnx", "onnx_ir", "onnxruntime", "ml_dtypes", "safetensors", "torch")
HIDE = f"import sys\nfor name in {HIDDEN!r}: sys.modules[name] = None\n"

PARTS = {
    "graphs and passes, without NumPy": """
import nnvm
from nnvm import f32, ops, passes
graph = nnvm.trace(lambda x: ops.relu(ops.relu(x + 0.0)) * 1.0, x=f32["n", 3])
for each in (passes.infer_types, passes.simplify, passes.cancel_layout, passes.cse, passes.dce):
    graph = each(graph)
nnvm.verify(graph)
assert [node.op.name for node in graph.nodes] == ["input", "relu"], graph
""",
    "the ir alone": """
from nnvm.ir import Graph, TensorType, Value, f32, named_input, op, rule, apply_rules
@op
def double(x: Value) -> TensorType:
    "Return 2 x."
    return x.tensor
@op
def halve(x: Value) -> TensorType:
    "Return x / 2."
    return x.tensor
@rule
def undone(x: Value):
    yield halve(double(x))
    yield x
x = named_input("x", f32[3])
assert apply_rules(Graph([halve(double(x))]), [undone]).outputs == (x,)
import sys
ours = [name for name in sys.modules if name.startswith("nnvm.")]
assert all(name.startswith(("nnvm.ir", "nnvm.errors")) for name in ours), ours
""",
    "the packer alone": """
from nnvm.runtime.memory import Block, check, height, max_live, pack
blocks = [Block(0, 2, 100), Block(1, 3, 50), Block(2, 4, 100)]
offsets = pack(blocks)
check(blocks, offsets)
assert height(blocks, offsets) <= max_live(blocks) == 192
import sys
assert "nnvm.ir" not in sys.modules
""",
    "a program, without NumPy": """
from nnvm.runtime.program import Buffer, Program, Step
buffers = [Buffer("input", "float32", ("n",), name="x"), Buffer("output", "float32", ("n",), name="y")]
program = Program("abacus", buffers, [Step("abacus:copy/1", [0], [1])], [0], [1])
assert program.bind({"x": (7,)}) == {"n": 7}
import sys
assert "nnvm.ir" not in sys.modules
""",
}


@pytest.mark.parametrize("part", PARTS)
def test_a_part_stands_alone(part):
    done = subprocess.run([sys.executable, "-c", HIDE + PARTS[part]], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("lacking", "code", "cure"),
    [
        ("onnx", "import nnvm; nnvm.load('m.onnx')", "pip install 'nnvm[onnx]'"),
        ("typer", "from nnvm.cli import main; main()", "pip install 'nnvm[cli]'"),
    ],
)
def test_a_missing_extra_names_the_command_that_brings_it(lacking, code, cure, tmp_path):
    (tmp_path / "m.onnx").write_bytes(b"")
    hide = f"import sys; sys.modules[{lacking!r}] = None\n"
    done = subprocess.run(
        [sys.executable, "-c", hide + code], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode
    assert cure in done.stderr
