from nnvm import ops
from nnvm.attrs import random
from nnvm.ir import boolean, constant, f32, named_input, tensor_data


def test_only_dropout_draws() -> None:
    assert [op.name for op in random if op.module.startswith("nnvm.ops")] == ["dropout"]


def test_it_draws_where_it_trains() -> None:
    x = named_input("x", f32[2])
    asleep, awake = (constant(data=tensor_data(each, boolean[()])) for each in (False, True))
    drawn = [random[ops.dropout](ops.dropout(x, None, each)[0].node) for each in (None, asleep, awake)]
    assert drawn == [False, False, True]
