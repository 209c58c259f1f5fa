"""Kernels called as the executor calls them, and the same computed by ONNX's reference and by ONNX Runtime."""

import tracemalloc
from typing import Any

import numpy as np
import onnx
from onnx import helper
from onnx.reference import ReferenceEvaluator

from nnvm.backends.numpy.device import NumpyDevice
from nnvm.backends.numpy.kernels import workspace

DEVICE = NumpyDevice()
FLOATS = ("float16", "float32", "float64")


def lend(name: str, outs: list[Any], ins: list[Any], params: dict[str, Any]) -> dict[str, Any]:
    """Give the keyword that a kernel's workspace comes in, full of NaN, if it asks for one."""
    shapes = tuple(None if each is None else each.shape for each in ins)
    first = next((each for each in ins if each is not None), outs[0] if outs else None)
    size = workspace(name, tuple(each.shape for each in outs), shapes, 1 if first is None else first.itemsize, params)
    assert 0 <= size <= 262144
    if not size:
        return {}
    room = DEVICE.allocate(size)
    room.fill(255)
    return {"workspace": room}


def call(kernel: str, outs: list[Any], ins: list[Any], /, **params: Any) -> None:
    """Run a kernel into the arrays given."""
    name = f"numpy:{kernel}/1"
    DEVICE.kernel(name)(*outs, *ins, **params, **lend(name, outs, ins, params))


def compute(kernel: str, out: tuple[tuple[int, ...], Any], /, *ins: Any, **params: Any) -> Any:
    """Run a kernel of one output into memory full of rubbish."""
    target = np.empty(*out)
    target.view(np.uint8).fill(255) if target.ndim and target.size else None
    call(kernel, [target], list(ins), **params)
    return target


def transient(kernel: str, outs: list[Any], ins: list[Any], /, **params: Any) -> int:
    """Return the bytes that a kernel allocates at its peak, beside its workspace, once it is warm."""
    name = f"numpy:{kernel}/1"
    given = lend(name, outs, ins, params)
    run = DEVICE.kernel(name)
    peaks = []
    for _ in range(4):  # the least of four: other threads of the test runner allocate too, and the first run warms up
        tracemalloc.start()
        try:
            start, _ = tracemalloc.get_traced_memory()
            tracemalloc.reset_peak()
            run(*outs, *ins, **params, **given)
            peaks.append(tracemalloc.get_traced_memory()[1] - start)
        finally:
            tracemalloc.stop()
    return min(peaks)


def model(operator: str, ins: list[Any], dtypes: list[Any], opset: int, attributes: dict[str, Any]) -> onnx.ModelProto:
    names = ["" if each is None else f"x{index}" for index, each in enumerate(ins)]
    outs = [f"y{index}" for index in range(len(dtypes))]

    def info(name: str, dtype: Any, shape: Any) -> Any:
        return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)

    node = helper.make_node(operator, names, outs, **attributes)
    inputs = [info(name, each.dtype, each.shape) for name, each in zip(names, ins, strict=True) if each is not None]
    outputs = [info(name, dtype, None) for name, dtype in zip(outs, dtypes, strict=True)]
    graph = helper.make_graph([node], "one", inputs, outputs)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def reference(operator: str, ins: list[Any], *, outputs: int = 1, opset: int = 21, **attributes: Any) -> Any:
    """Compute one operator by onnx.reference."""
    made = model(operator, ins, [np.float32] * outputs, opset, attributes)
    feeds = {f"x{index}": each for index, each in enumerate(ins) if each is not None}
    with np.errstate(all="ignore"):
        found = ReferenceEvaluator(made).run(None, feeds)
    return found[0] if outputs == 1 else found


def runtime(operator: str, ins: list[Any], dtypes: list[Any], *, opset: int = 17, **attributes: Any) -> list[Any]:
    """Compute one operator by ONNX Runtime."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    made = model(operator, ins, dtypes, opset, attributes).SerializeToString()
    session = onnxruntime.InferenceSession(made, options, providers=["CPUExecutionProvider"])
    return session.run(None, {f"x{index}": each for index, each in enumerate(ins) if each is not None})


def close(found: Any, wanted: Any, rtol: float | None = None) -> None:
    """Check that arrays are equal up to what the type can tell apart, and of one shape and type."""
    wanted = np.asarray(wanted)
    assert found.shape == wanted.shape
    assert found.dtype == wanted.dtype
    if found.dtype.kind in "biu":
        np.testing.assert_array_equal(found, wanted)
        return
    rtol = rtol or {2: 4e-3, 4: 2e-5, 8: 1e-12}[found.dtype.itemsize]
    found, wanted = found.astype(np.float64), wanted.astype(np.float64)
    finite = np.abs(wanted[np.isfinite(wanted)])
    np.testing.assert_allclose(found, wanted, rtol=rtol, atol=rtol * max(finite.max(initial=0), 1e-6))


def draw(seed: int, shape: tuple[int, ...], dtype: Any = np.float32) -> Any:
    """Return seeded numbers: normal floats, small integers of either sign, or truths."""
    kind, random = np.dtype(dtype).kind, np.random.default_rng(seed)
    if kind == "b":
        return random.random(shape) < 0.5
    if kind in "iu":
        return random.integers(0 if kind == "u" else -9, 10, shape).astype(dtype)
    return np.asarray(random.standard_normal(shape)).astype(dtype)
