import json
import math
import struct

import pytest
from tests.ir import operators as own
from tests.ir.operators import relu, scaled

from nnvm.errors import Error
from nnvm.ir import (
    DTYPES,
    UNKNOWN,
    Graph,
    Node,
    Op,
    TensorData,
    bf16,
    constant,
    container_type,
    dim,
    f32,
    i64,
    larger,
    named_input,
    params,
    same,
    smaller,
    string,
    tensor_data,
)
from nnvm.ir.formats.json import from_json, to_json
from nnvm.ir.formats.json_values import Fault, ValueReader, ValueWriter
from nnvm.ir.formats.text import keyed_data
from nnvm.ir.node import literal_key

OPERATORS = {each.name: each for each in vars(own).values() if isinstance(each, Op)}
N = dim("n")
LITERALS = [
    None, True, False, 1, 1.0, -0.0, 0, -5, 1e300, 5e-324, math.nan, -math.nan, math.inf, -math.inf,
    struct.unpack(">d", b"\x7f\xf8" + bytes(5) + b"\1")[0], "", "é\n'\"\\", "\ud800", "null", b"", b"\0\xff", ..., 1j,
    complex(-0.0, math.inf), (), (1,), (1, ("a", (2.5, None))), {"k": [1, (2,)], 3: {}, (1, 2): b"x"}, f32, bf16,
    10**30, -(10**4000), (f32, bf16), {"list": [1]}, {"type": "f32"},
]  # fmt: skip
OBJECTS = [
    N, 2 * N - 1, larger(N, dim("a b")) // 3, UNKNOWN, f32["n", 3], (f32[...], bf16),
    container_type("map", None), tensor_data([1, 2], i64[2]), (tensor_data(1.0, f32[()]), "x"),
]  # fmt: skip
X = named_input("x", f32[4, "n"])


@pytest.mark.parametrize("param", LITERALS)
def test_a_literal_comes_back_bit_by_bit(param) -> None:
    text = ValueWriter(None, (), {}).value(param)
    found = ValueReader({}, {}).value(json.loads(text, parse_constant=pytest.fail), "field")
    assert literal_key(found) == literal_key(param)
    assert repr(found) == repr(param)
    assert text.isascii()


@pytest.mark.parametrize("param", [*LITERALS, *OBJECTS])
def test_params_come_back(param) -> None:
    graph = Graph([scaled(X, by=param), scaled(X, by=1), scaled(X, by=True)], [X])
    text = to_json(graph)
    found = from_json(text, OPERATORS)
    assert same(graph, found, names=True) is True, text
    assert to_json(found) == text


DATA = [
    tensor_data([1.5, -0.0, math.inf, -math.inf], bf16[4]),
    tensor_data([math.nan, 0.1], f32[2]),
    TensorData(f32[1], b"\x01\0\xa0\x7f"),
    TensorData(DTYPES["bool"][2], b"\x02\x01"),
    tensor_data(True, DTYPES["bool"][()]),
    TensorData(DTYPES["complex64"][1], bytes(8)),
    TensorData(DTYPES["complex64"][100], bytes(8), repeats=True),
    TensorData(DTYPES["int4"][3], b"12"),
    TensorData(DTYPES["int4"][99], b"\x03", repeats=True),
    TensorData(DTYPES["float8_e4m3fn"][2], b"\1\2"),
    TensorData(string[2], (b"x", b"\xff'\"\n")),
    TensorData(string[40], (b"x",) * 40),
    tensor_data((), f32[0]),
    tensor_data(0.1, f32[1000, 1000]),
    tensor_data(math.nan, f32[1000]),
    tensor_data(-1, i64[17]),
    tensor_data([(1 << 63) - 1] * 40, i64[40]),
]


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("options", [{}, {"inline_bytes": 1024}])
def test_constants_come_back(data: TensorData, options) -> None:
    graph = Graph([constant(data=data)])
    text = to_json(graph, **options)
    found = from_json(text, OPERATORS, keyed_data(graph, **options))
    assert same(graph, found, names=True) is True, text
    assert to_json(found, **options) == text


@pytest.mark.parametrize(
    "type",
    [
        None,
        f32[()],
        f32[...],
        f32[None, 0, 3],
        f32[2 * N + 1, N // 2, larger(N, 3), smaller(N * N, dim("m"))],
        f32[dim("a b"), 2 * dim("n+1") + N, dim("max"), dim("?"), dim("dépôt"), dim("conv.0")],
        container_type("sequence", container_type("optional", f32[2])),
        container_type("map", None),
    ],
)
def test_types_come_back(type) -> None:
    x = named_input("x", type)
    graph = Graph([x], [x, named_input("dead", type)])
    found = from_json(to_json(graph), OPERATORS)
    assert same(graph, found, names=True) is True
    assert found.inputs[1].type is type


class Thing:
    def __reduce__(self):
        return Thing, ()


def test_what_is_no_literal_is_refused_with_operator_node_and_param() -> None:
    for odd, said in ((object(), "a object is no literal"), (Thing(), "a Thing is"), (10**5000, "Exceeds the limit")):
        with pytest.raises(Error, match=rf"scaled in node 'odd', param 'by': .*{said}"):
            to_json(Graph([Node(scaled, (X,), params({"by": odd}), (f32[2],), "odd").outputs[0]], [X]))
    graph = Graph([scaled(X, by=Thing())], [X])
    text = to_json(graph, kinds=("Thing",))
    assert '"params":{"by":{"call":"Thing","args":[]}}' in text
    assert isinstance(from_json(text, OPERATORS, kinds={"Thing": Thing}).nodes[1].params["by"], Thing)
    with pytest.raises(Error, match="nothing is executed"):
        from_json(text, OPERATORS)
    deep: tuple = ()
    for _ in range(100):
        deep = (deep,)
    with pytest.raises(Error, match="param 'by': this is nested over 60 deep"):
        to_json(Graph([scaled(X, by=deep)], [X]))


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({}, "an object says what it is"),
        ({"float": 1.0}, "a float beside plain numbers"),
        ({"float": "3ff0000000000000"}, "a float beside plain numbers"),
        ({"float": "NaN"}, "a float beside plain numbers"),
        ({"complex": [1.0]}, "two floats"),
        ({"bytes": "a"}, "base64"),
        ({"bytes": 7}, "base64"),
        ({"list": 1}, "a list stands here"),
        ({"map": [[1]]}, "a list of pairs"),
        ({"map": [[1, 2], [1, 3]]}, "the key 1 is given twice"),
        ({"map": [[{"list": []}, 2]]}, "cannot be the key"),
        ({"type": "f32[open('x')]"}, "no dimension"),
        ({"type": "f32[" + "(" * 300 + ")" * 300 + "]"}, "too many nested"),
        ({"type": "sequence[" * 150 + "f32[2]" + "]" * 150}, None),
        ({"type": "f32['" + "-" * 100_000 + "n']"}, r"\.\.\.-"),
        ({"type": "f32['" + "*".join(["(a+b+c+d+e+f+g+h)"] * 40) + "']"}, r"\.\.\."),
        ({"dim": "*".join(["(dim('a')+dim('b')+dim('c'))"] * 100)}, "over 4096 terms"),
        ({"type": 5}, "a type is a string"),
        ({"dtype": "float33"}, "no element type"),
        ({"dtype": []}, "called by its name"),
        ({"dim": "n n"}, "invalid syntax"),
        ({"dim": "exec('1')"}, "no dimension"),
        ({"graph": 0}, "no graph 0 above"),
        ({"graph": True}, "no graph True above"),
        ({"ellipsis": 1}, "holds null"),
        ({"call": "eval", "args": ["1"]}, "nothing is executed"),
        ({"tensor": "f32[2]", "values": [1]}, "needs 8 bytes"),
        ({"tensor": "f32[2]", "values": [1, None]}, "an element is a number"),
        ({"tensor": "u8[1]", "values": [256]}, "do not fit"),
        ({"tensor": "i64[1]", "values": ["inf"]}, "do not fit"),
        ({"tensor": "f32[1]", "values": [10**400]}, "do not fit"),
        ({"tensor": "f32['n']", "value": 1.0}, "must be known"),
        ({"tensor": "map[f32[2]]", "value": 1.0}, "the type of a tensor"),
        ({"tensor": "f32[2]", "bytes": "AAAA"}, "needs 8 bytes"),
        ({"tensor": "string[1]", "strings": ["?"]}, "base64"),
        ({"tensor": "f32[2]", "key": "00"}, "there is no data under '00'"),
        ({"tensor": "f32[2]", "key": []}, "there is no data under"),
        ({"tensor": "f32[2]", "pickle": ""}, "a tensor holds"),
    ],
)
def test_what_no_param_is(found, said) -> None:
    if said is None:
        assert repr(ValueReader({}, {}).value(found, "f")).startswith("sequence[")
        return
    with pytest.raises(Fault, match=said) as caught:
        ValueReader({}, {}).value(found, "params.by")
    assert caught.value.field.startswith("params.by")
    assert len(str(caught.value)) < 400


def test_data_under_a_key_has_the_type_that_the_json_says() -> None:
    data = tensor_data([float(i) for i in range(17)], f32[17])
    text = to_json(Graph([constant(data=data)]))
    assert f'"key":"{data.key.hex()}"' in text
    with pytest.raises(Error, match=r"params.data.key: there is no data under .*; give it: from_json"):
        from_json(text, OPERATORS)
    with pytest.raises(Error, match=r"the data under this key is f32\[2\], not f32\[17\]"):
        from_json(text, OPERATORS, {data.key.hex(): tensor_data([1.0, 2.0], f32[2])})


def test_hints_are_written_where_they_are_asked_for_and_literals() -> None:
    graph = Graph([relu(X, hints={"device": "gpu1", "line": 3, "odd": object()})], [X], hints={"by": ("a", 1)})
    assert "hints" not in to_json(graph)
    found = from_json(to_json(graph, hints=True), OPERATORS)
    assert found.outputs[0].node.hints == params({"device": "gpu1", "line": 3})
    assert found.hints == {"by": ("a", 1)}
    assert to_json(found, hints=True) == to_json(graph, hints=True)
