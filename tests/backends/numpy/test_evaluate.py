from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.backends.numpy.test_table import USES
from tests.ops.uses import Use, apply, close, ours

from nnvm import ops
from nnvm.backends.numpy.device import dtype_of
from nnvm.backends.numpy.evaluate import SPILLED, evaluate
from nnvm.errors import Error
from nnvm.ir import Node, TensorData, boolean, constant, f32, foreign, i64, named_input, tensor_data


def fixed(use: Use) -> Use:
    """Make every input of a use constant."""
    return Use(use.op, use.arrays, range(len(use.arrays)), **use.params)


def number(value: float) -> Any:
    return constant(data=tensor_data(value, f32[()]))


@given(st.one_of(list(USES.values())))
@settings(max_examples=300)
def test_computing_now_is_running(use: Use) -> None:
    node = apply(fixed(use))[1][0].node
    found = evaluate(node)
    if any(not isinstance(size, int) for value in node.outputs for size in value.shape):
        assert found is None  # its data decides its type, which then stays as it is
        return
    assert found is not None
    assert [data.tensor for data in found] == list(node.types)
    arrays = [np.frombuffer(data.read(), dtype_of(data.dtype.name)).reshape(data.shape) for data in found]
    assert all(map(close, arrays, ours(use)))


def test_what_cannot_be_computed_now() -> None:
    one = number(1.0)
    assert evaluate(Node(foreign("Strange", "nobody"), (one,), types=(f32[()],))) is None
    assert evaluate(ops.nonzero(constant(data=tensor_data([1.0], f32[1])), name="y").node) is None
    assert evaluate(ops.dropout(one, one, constant(data=tensor_data(True, boolean[()])))[0].node) is None
    assert evaluate(ops.relu(named_input("x", f32["n"])).node) is None


def test_an_input_that_is_not_constant() -> None:
    with pytest.raises(Error, match=r"x: f32.* is not constant"):
        evaluate(ops.relu(named_input("x", f32[2])).node)


def test_what_a_kernel_refuses_is_left_for_the_run_to_report() -> None:
    x = constant(data=tensor_data([1.0, 2.0], f32[2]))
    beyond = constant(data=tensor_data([7], i64[1]))
    assert evaluate(ops.gather(x, beyond).node) is None


def test_a_large_result_lies_in_a_file() -> None:
    one = constant(data=TensorData(f32[2048, 2048], bytes(4 << 22)))
    (data,) = evaluate(ops.exp(one).node) or ()
    assert data.nbytes == SPILLED
    assert data.uniform == 1.0
