"""What a use of an operator is in these tests, and the laws that every use keeps, ONNX's programs being the judges."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import strategies as st
from onnx.reference import ReferenceEvaluator

from nnvm.attrs import infer_inputs
from nnvm.backends.numpy import run
from nnvm.backends.numpy.device import dtype_of
from nnvm.backends.numpy.table import call
from nnvm.compile import compile_graph
from nnvm.errors import Error
from nnvm.frontends.onnx import to_bytes
from nnvm.ir import DTYPES, UNKNOWN, Graph, Op, TensorData, TensorType, Value, constant, named_input
from nnvm.ir.dims import dim, substitute

onnxruntime.set_default_logger_severity(4)
Arrays = tuple[Any, ...]


class Numpy:
    """The NumPy backend as compile asks for it, without the passes."""

    name = "numpy"
    call = staticmethod(call)
    run = staticmethod(run)


class Use:
    """One use of an operator: its inputs as arrays (None where absent), which of them are constants, and its params."""

    def __init__(self, op: Op[..., Any], arrays: Sequence[Any], fixed: Sequence[int] = (), **params: Any) -> None:
        self.op, self.arrays, self.params = op, tuple(arrays), params
        self.fixed = frozenset(i if i >= 0 else len(arrays) + i for i in fixed)

    def __repr__(self) -> str:
        given = [None if each is None else f"{each.dtype}{list(each.shape)}" for each in self.arrays]
        held = {i: self.arrays[i].tolist() for i in sorted(self.fixed) if self.arrays[i] is not None}
        return f"Use({self.op.name}, {given}, {held}, {self.params})"

    @property
    def feeds(self) -> dict[str, Any]:
        return {f"x{i}": each for i, each in enumerate(self.arrays) if each is not None and i not in self.fixed}


def data(array: Any) -> TensorData:
    """Return an array as a constant's data."""
    return TensorData(type_of(array), array.tobytes())


def type_of(array: Any) -> TensorType:
    return DTYPES[array.dtype.name][array.shape]


def apply(use: Use, types: Mapping[int, TensorType | None] | None = None) -> tuple[list[Value], tuple[Value, ...]]:
    """Build the use; `types` are those of inputs that are to be typed otherwise, and make inputs of constants."""
    types, inputs, given = types or {}, [], []
    for i, array in enumerate(use.arrays):
        if array is None:
            given.append(None)
        elif i in use.fixed and i not in types:
            given.append(constant(data=data(array)))
        else:
            inputs.append(named_input(f"x{i}", types.get(i, type_of(array))))
            given.append(inputs[-1])
    made = use.op(*given, **use.params, name="y")
    return inputs, made if isinstance(made, tuple) else (made,)


def graph_of(use: Use) -> Graph:
    inputs, outputs = apply(use)
    return Graph(outputs, inputs, output_names=[f"y{i}" for i in range(len(outputs))])


def ours(use: Use) -> Arrays:
    """Run a use as a compiled graph on NumPy."""
    return tuple(run(compile_graph(graph_of(use), Numpy()))(**use.feeds))


def by_reference(model: bytes, feeds: Mapping[str, Any]) -> Arrays | str:
    """Run a file by onnx.reference; say why where it cannot."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            found = ReferenceEvaluator(onnx.load_from_string(model)).run(None, dict(feeds))
    except Exception as error:  # whatever a judge raises, it then has no verdict
        return f"onnx.reference: {type(error).__name__}: {error}"
    return tuple(np.asarray(each) for each in found)


def by_runtime(model: bytes, feeds: Mapping[str, Any]) -> Arrays | str:
    """Run a file by ONNX Runtime, unoptimised; say why where it cannot."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        return tuple(session.run(None, dict(feeds)))
    except Exception as error:  # its exceptions share no class
        return f"onnxruntime: {type(error).__name__}: {error}"


JUDGES = (by_runtime, by_reference)
TOLERANCE = {"float16": 1e-2, "bfloat16": 5e-2, "float32": 1e-4, "float64": 1e-6}


def close(found: Any, wanted: Any) -> bool:
    """Say whether two arrays are of one type and shape and equal, up to what rounding explains."""
    if found.dtype != wanted.dtype or found.shape != wanted.shape:
        return False
    if found.dtype.name not in TOLERANCE:
        return found.tobytes() == wanted.tobytes()
    rtol = TOLERANCE[found.dtype.name]
    found, wanted = found.astype(np.float64), wanted.astype(np.float64)
    size = np.abs(wanted[np.isfinite(wanted)]).max(initial=0.25)
    return bool(np.allclose(found, wanted, rtol=rtol, atol=rtol * size, equal_nan=True))


def observe(use: Use, opset: int | None = None, judges: Sequence[Any] = JUDGES) -> list[Arrays]:
    """Return what every judge that can run the saved use makes of it; there is one."""
    model = to_bytes(graph_of(use), opset=opset)
    verdicts = [judge(model, use.feeds) for judge in judges]
    found = [verdict for verdict in verdicts if not isinstance(verdict, str)]
    assert found, f"{use}: no judge runs it: {verdicts}"
    return found


def agree(found: Arrays, wanted: Arrays) -> bool:
    return len(found) == len(wanted) and all(map(close, found, wanted))


def check_run(use: Use, opset: int | None = None, judges: Sequence[Any] = JUDGES) -> Arrays:
    """Law: what we infer and compute is what ONNX's programs compute of the file we save."""
    found = ours(use)
    _, outputs = apply(use)
    for value, array in zip(outputs, found, strict=True):
        born = any(not isinstance(size, int) for size in value.shape)  # the data decides it
        assert born or value.type is type_of(array), f"{use}: {value.type} for {array.dtype}{list(array.shape)}"
    check_claims(outputs, {}, found, use)
    for verdict in observe(use, opset, judges):
        assert agree(found, verdict), f"{use}:\n{found}\nagainst\n{verdict}"
    return found


def check_claims(outputs: Sequence[Value], binding: Mapping[str, int], arrays: Arrays, what: object) -> None:
    """Check that types claim nothing that the arrays refute."""
    assert len(outputs) == len(arrays), what
    for value, array in zip(outputs, arrays, strict=True):
        if value.type is None:
            continue
        assert value.tensor.dtype is DTYPES[array.dtype.name], what
        shape = value.tensor.shape_or_none
        if shape is None:
            continue
        sizes = [substitute(size, binding) for size in shape]
        fits = len(sizes) == array.ndim and all(
            not isinstance(p, int) or p == q for p, q in zip(sizes, array.shape, strict=True)
        )
        assert fits, f"{what}: claimed {value.type}, observed {array.shape}, where {binding}"


def symbolic(use: Use, seed: int) -> tuple[dict[int, TensorType | None], dict[str, int]]:
    """Name dimensions: each its own name, or one name for equal sizes; some stay numbers.

    A 0 is not named beside a 1: `broadcast` says that two names give their maximum, which is wrong there alone.
    """
    flexible = not any(size == 1 for array in use.arrays if array is not None for size in array.shape)
    random, types, binding = np.random.default_rng(seed), {}, {}
    shared, share = bool(random.integers(2)), random.choice([0.3, 0.7, 1.0])
    for i, array in enumerate(use.arrays):
        if array is None or i in use.fixed:
            continue
        sizes: list[Any] = []
        for axis, size in enumerate(array.shape):
            name = f"d{size}" if shared else f"d{i}_{axis}"
            if random.random() < share and (size or flexible):
                binding[name] = size
                sizes.append(dim(name))
            else:
                sizes.append(size)
        types[i] = DTYPES[array.dtype.name][tuple(sizes)]
    return types, binding


def vague(use: Use, seed: int) -> dict[int, TensorType | None]:
    """Take types and constants away, more or less of each."""
    random, types = np.random.default_rng(seed), {}
    for i, array in enumerate(use.arrays):
        if array is None or (i in use.fixed and random.random() < 0.5):
            continue
        dtype = DTYPES[array.dtype.name]
        holes = tuple(UNKNOWN if random.random() < 0.5 else size for size in array.shape)
        choices = [None, dtype[...], dtype[holes], dtype[(UNKNOWN,) * array.ndim], dtype[array.shape]]
        types[i] = choices[random.integers(len(choices))]
    return types


def check_types(use: Use, arrays: Arrays, seed: int) -> None:
    """Law: with symbolic dimensions, with unknown ones and without types, nothing is claimed that a run refutes."""
    types, binding = symbolic(use, seed)
    check_claims(apply(use, types)[1], binding, arrays, (use, types))
    for turn in range(3):
        types = vague(use, seed + turn)
        check_claims(apply(use, types)[1], {}, arrays, (use, types))


def check_demands(use: Use, weights: Sequence[int]) -> None:
    """Law: what a use demands of weights without types is true of the weights it has; `weights` are their numbers."""
    taken = [i for i in weights if i < len(use.arrays) and use.arrays[i] is not None]
    node = apply(use, dict.fromkeys(taken))[1][0].node
    demands = infer_inputs[use.op](node)
    assert len(demands) == len(node.inputs)
    for i in taken:
        if demands[i] is not None:
            check_claims([named_input("w", demands[i])], {}, (use.arrays[i],), (use, i))


def refusal(op: Op[..., Any], *given: TensorType | TensorData | tuple[int, ...] | None, **params: Any) -> str:
    """Law: an ill-typed use raises an Error that names the operator and its inputs' types; return what it says."""
    inputs = [named_input(f"x{i}", each) if isinstance(each, TensorType) else each for i, each in enumerate(given)]
    with pytest.raises(Error) as caught:
        op(*inputs, **params, name="bad")
    text = str(caught.value)
    assert text.startswith(f"{op.name}("), text
    assert all(repr(each) in text for each in given if isinstance(each, TensorType)), text
    assert "in node 'bad'" in text
    return text


seeds = st.integers(0, 2**31 - 1)


def values(seed: int, shape: Sequence[int], dtype: str = "float32", low: float = -4, high: float = 4) -> Any:
    """Return seeded numbers of either sign, zeros among them; whole types lie within their range."""
    kind, random = dtype_of(dtype), np.random.default_rng(seed)
    shape = tuple(shape)
    if dtype == "bool":
        return np.asarray(random.random(shape) < 0.5)
    if DTYPES[dtype].is_integer:
        least = max(int(low), 0) if DTYPES[dtype].kind == "uint" else int(low)
        return np.asarray(random.integers(least, int(high) + 1, shape)).astype(kind)
    drawn = random.uniform(low, high, shape)
    return np.asarray(np.where(random.random(shape) < 0.1, min(max(0.0, low), high), drawn)).astype(kind)


def ints(items: Sequence[int], dtype: str = "int64") -> Any:
    return np.asarray(items, dtype).reshape(len(items))


def shapes(least: int = 0, most: int = 4, smallest: int = 0, largest: int = 4) -> st.SearchStrategy[tuple[int, ...]]:
    return st.lists(st.integers(smallest, largest), min_size=least, max_size=most).map(tuple)


@st.composite
def spread(draw: st.DrawFn, count: int, most: int = 4, smallest: int = 0) -> list[tuple[int, ...]]:
    """Draw shapes that broadcast together."""
    whole = draw(shapes(0, most, smallest))
    made = []
    for _ in range(count):
        kept = whole[draw(st.integers(0, len(whole))) :] if draw(st.booleans()) else whole
        made.append(tuple(1 if draw(st.integers(0, 3)) == 0 else size for size in kept))
    return made


def axes_in(rank: int) -> st.SearchStrategy[int]:
    return st.integers(-rank, rank - 1)


FLOATS = ("float16", "float32", "float64")
INTS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
NUMBERS = FLOATS + INTS
