import numpy as np
import pytest
from tests.backends.numpy.running import DEVICE, FLOATS, call, close, draw, lend, runtime, transient

from nnvm.backends.numpy.kernels.recurrent import KERNELS, recurrent_workspace

GATES = {"lstm": 4, "gru": 3, "rnn": 1}
FUNCTIONS = {"lstm": ("sigmoid", "tanh", "tanh"), "gru": ("sigmoid", "tanh"), "rnn": ("tanh",)}


def layer(kind, time, batch, size, hidden, dtype="f", count=1):
    """Return outputs, inputs and params of a layer that is given all it may be given."""
    gates, scale = GATES[kind], 1 / np.sqrt(hidden)
    states = 2 if kind == "lstm" else 1
    outs = [np.empty((time, count, batch, hidden), dtype), *(np.empty((count, batch, hidden), dtype),) * 1]
    outs += [np.empty((count, batch, hidden), dtype) for _ in range(states - 1)]
    shapes = [(time, batch, size), (count, gates * hidden, size), (count, gates * hidden, hidden)]
    x, weight, recurrence = (draw(i, shape, dtype) for i, shape in enumerate(shapes))
    bias = draw(3, (count, 2 * gates * hidden), dtype)
    ins = [x, weight * np.dtype(dtype).type(scale), recurrence * np.dtype(dtype).type(scale), bias, None]
    ins += [draw(4 + i, (count, batch, hidden), dtype) for i in range(states)]
    names = FUNCTIONS[kind] * count
    params = {"activations": names, "alpha": (0.0,) * len(names), "beta": (0.0,) * len(names)}
    return outs, ins, params | {"direction": "bidirectional" if count == 2 else "forward"}


@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize("sizes", [(40, 3, 30, 100), (7, 300, 9, 40), (90, 1, 600, 200), (3, 70, 5, 300)])
@pytest.mark.parametrize("count", [1, 2])
def test_layers_larger_than_the_workspace(kind, sizes, count):
    outs, ins, params = layer(kind, *sizes, count=count)
    wanted = runtime(kind.upper(), ins, ["f"] * len(outs), hidden_size=sizes[3], direction=params["direction"])
    call(kind, outs, ins, **params)
    for found, each in zip(outs, wanted, strict=True):
        close(found, each, 1e-4)


@pytest.mark.parametrize("kind", GATES)
def test_short_floats_are_computed_in_32_bits(kind):
    outs, ins, params = layer(kind, 20, 3, 70, 150, np.float16, 2)
    wider = [None if each is None else each.astype("f") for each in ins]
    wanted = runtime(kind.upper(), wider, ["f"] * len(outs), hidden_size=150, direction="bidirectional")
    call(kind, outs, ins, **params)
    for found, each in zip(outs, wanted, strict=True):
        close(found, each.astype(np.float16))


@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize("lengths", [None, (4, 30, 0, 11)])
def test_batch_first_is_the_same_transposed(kind, lengths):
    outs, ins, params = layer(kind, 30, 4, 20, 600, count=2)
    ins[4] = None if lengths is None else np.array(lengths, np.int32)
    call(kind, outs, ins, **params)
    turned = [*ins]
    for i in (0, *range(5, len(ins))):
        turned[i] = np.ascontiguousarray(ins[i].swapaxes(0, 1))
    others = [np.empty((4, 30, 2, 600), "f"), *[np.empty((4, 2, 600), "f") for _ in outs[1:]]]
    call(kind, others, turned, **params, layout=1)
    close(others[0], np.ascontiguousarray(outs[0].transpose(2, 0, 1, 3)), 1e-5)
    for found, each in zip(others[1:], outs[1:], strict=True):
        close(found, np.ascontiguousarray(each.swapaxes(0, 1)), 1e-5)


@pytest.mark.parametrize("kind", GATES)
def test_ended_sequences_keep_their_state_and_yield_zeros(kind):
    outs, ins, params = layer(kind, 6, 3, 4, 5, count=2)
    ins[4] = np.array([2, 6, 0], np.int32)
    call(kind, outs, ins, **params)
    assert not outs[0][2:, :, 0].any()
    assert not outs[0][:, :, 2].any()
    close(outs[1][0, 0], outs[0][1, 0, 0])
    close(outs[1][1, 0], outs[0][0, 1, 0])
    close(outs[1][:, 2], ins[5][:, 2])


def test_lengths_outside_are_refused():
    for wrong in ([1, 7, 2], [-1, 3, 3]):
        outs, ins, params = layer("gru", 6, 3, 4, 5)
        ins[4] = np.array(wrong, np.int32)
        with pytest.raises(ValueError, match=r"sequence lengths from .* in 6 time steps"):
            call("gru", outs, ins, **params)


def test_no_steps_leave_the_state():
    outs, ins, params = layer("lstm", 0, 2, 3, 4)
    call("lstm", outs, ins, **params)
    close(outs[1], ins[5])
    close(outs[2], ins[6])


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("kind", GATES)
def test_no_tensor_is_allocated(kind, dtype):
    outs, ins, params = layer(kind, 50, 40, 64, 128, dtype)
    ins[4] = np.arange(40, dtype=np.int32)
    assert transient(kind, outs, ins, **params) <= 16384


def test_the_workspace_is_small_where_the_layer_is():
    x, weight, recurrence = (5, 1, 3), (1, 16, 3), (1, 16, 4)
    assert recurrent_workspace((), (x, weight, recurrence), 4, {}) < 4096
    assert recurrent_workspace((), (None, weight, recurrence), 4, {}) == 262144
    assert recurrent_workspace((), (x, None, None), 4, {}) == 262144
    assert recurrent_workspace((), (x, (1, 1 << 18, 3), (1, 1 << 18, 1 << 16)), 4, {}) > 262144


@pytest.mark.parametrize("kind", KERNELS)
@pytest.mark.parametrize("dtype", FLOATS)
def test_what_a_layer_asks_for_is_enough(kind, dtype):
    for time, batch, size, hidden in ((1, 1, 1, 1), (2, 3, 700, 5), (3, 1, 2, 300), (1, 90, 3, 7)):
        outs, ins, params = layer(kind, time, batch, size, hidden, dtype)
        given = lend(f"numpy:{kind}/1", outs, ins, params)
        DEVICE.kernel(f"numpy:{kind}/1")(*outs, *ins, **params, **given)
        assert all(np.isfinite(each).all() for each in outs)
