import pytest
from tests.ir import operators as own
from tests.ir.formats.test_json_write import mutates, put
from tests.ir.operators import relu, scaled

from nnvm.errors import Error
from nnvm.ir import Graph, Op, f32, named_input
from nnvm.ir.formats.json_read import from_json
from nnvm.ir.formats.json_write import to_json

OPERATORS = {each.name: each for each in (*vars(own).values(), put) if isinstance(each, Op)}
HEAD = '{"format":"nnvm-graph","version":1,'
X = '{"op":"input","name":"x","inputs":[],"types":["f32[2]"]}'
RELU = '{"op":"relu","name":"r","inputs":[[0,0,0]],"types":["f32[2]"]}'


def whole(*rows: str, arg_nodes: str = "[0]", heads: str = "[[0,0,0]]", rest: str = "") -> str:
    listed = ",\n".join((X, *rows))
    return f'{HEAD}\n"nodes":[\n{listed}\n],\n"arg_nodes":{arg_nodes},\n"heads":{heads}{rest}}}'


def row(**fields: str) -> str:
    """Return a row with some fields in the place of what stands in a good one; None leaves one out."""
    given = {"op": '"scaled"', "params": '{"by":2}', "inputs": "[[0,0,0]]", "types": '["f32[2]"]'} | fields
    return "{" + ",".join(f'"{key}":{text}' for key, text in given.items() if text) + "}"


GRAPHS = '"graphs":[\n{"nodes":[],"arg_nodes":[],"heads":[]},\n'
DOUBLES = "".join(
    f'{{"nodes":[{{"op":"scaled","params":{{"by":[{{"graph":{i}}},{{"graph":{i}}}]}},"inputs":[[0,0,0]]'
    f',"types":[null]}}],"arg_nodes":[],"heads":[]}},\n'.replace('"nodes":[', f'"nodes":[{X},')
    for i in range(50)
)
TOWER = "".join(
    '{"nodes":[' + X + ',{"op":"scaled","params":{"by":{"graph":' + str(i) + '}},"inputs":[[0,0,0]],"types":[null]}],'
    '"arg_nodes":[],"heads":[]},\n'
    for i in range(70)
)
EMPTY = '{"nodes":[],"arg_nodes":[],"heads":[]}'

SYNTAX = {
    "nothing": ("", "line 1, column 1: a graph is an object"),
    "no object": ("[]", "line 1, column 1: a graph is an object"),
    "text": ("def main(x):\n    return {'y': x}", "line 1, column 1: a graph is an object"),
    "truncated in the header": ('{"format":"nnvm-gr', "line 1, column 11: Unterminated string"),
    "truncated in a row": (whole(RELU)[:140], r"line 4, column \d+: (a value|Unterminated|Expecting)"),
    "truncated after a row": (HEAD + f'\n"nodes":[\n{X},\n', "line 4, column 1: a value is expected"),
    "truncated list": (HEAD + f'\n"nodes":[\n{X}\n', "line 4, column 1: a comma or ] is expected"),
    "truncated at the end": (whole()[:-1], "column 18: a comma or } is expected"),
    "more behind": (whole() + "\n{}", "line 7, column 1: nothing follows the graph"),
    "no colon": ('{"format" "nnvm-graph"}', "line 1, column 11: a colon is expected"),
    "a bare name": ('{format:"nnvm-graph"}', "line 1, column 2: the name of a member"),
    "a comma too many": (whole()[:-1] + ",}", "the name of a member"),
    "single quotes": ("{'format':1}", "line 1, column 2: the name of a member"),
    "a row's syntax": (whole('{"op":"relu" "inputs":[]}'), r"line 4, column 14: Expecting ','"),
    "NaN": (whole(row(params='{"by":NaN}')), r"line 4, column 1: here: NaN is no JSON; write {'float': 'nan'}"),
    "-Infinity": (whole(row(params='{"by":-Infinity}')), "line 4, column 1: here: -Infinity is no JSON"),
    "a float too large": (whole(row(params='{"by":1e999}')), "line 4, column 1: here: 1e999 is larger than any float"),
    "an int too long": (whole(row(params='{"by":' + "9" * 5000 + "}")), r"line 4, column 1: here: Exceeds the limit"),
    "deep": (whole(row(params='{"by":' + "[" * 100_000)), "line 4, column 1: what starts here is nested too deep"),
    "deep objects": (whole('{"a":' * 100_000), "line 4, column 1: what starts here is nested too deep"),
    "deep outside": ('{"x":' * 100_000, "no member 'x'"),
    "a control character": (whole(row(name='"a\tb"')), r"line 4, column \d+: Invalid control character"),
    "a bad escape": (whole(row(name=r'"\q"')), r"line 4, column \d+: Invalid \\escape"),
    "a key twice": (whole('{"op":"relu","op":"relu"}'), "line 4, column 1: an object here has the key 'op' twice"),
    "a key twice, deep": (whole(row(params='{"by":{"a":1,"a":2}}')), "line 4, column 1: an object .* 'a' twice"),
    "a member twice": (whole(rest=',\n"heads":[]'), "line 7, column 1: 'heads' is given twice"),
    "nodes are no list": (HEAD + '"nodes":{}}', r"column \d+: a list stands here"),
    "graphs hold no object": (HEAD + '"graphs":[1]}', r"column \d+: an object stands here"),
    "MXNet's": ('{"nodes":[{"op":"null","name":"data","inputs":[]}],"arg_nodes":[0],"heads":[[0,0,0]]}',
                "line 1, column 10: this is no graph of ours, .*MXNet's"),
    "someone's": ('{"format":"tfjs","nodes":[]}', "column 11: the format is 'tfjs', not 'nnvm-graph'"),
    "nobody's": ("{}", 'line 1, column 1: this is no graph of ours, which says "format":"nnvm-graph"'),
    "of tomorrow": ('{"format":"nnvm-graph","version":2,"nodes":[]}', "version 2 of the format is not known"),
    "of no time": ('{"format":"nnvm-graph","version":true,"nodes":[]}', "version True of the format is not known"),
    "an unknown member": (HEAD + '"node":[]}', r"a graph has no member 'node'; is it nodes\?"),
    "no heads": (HEAD + '"nodes":[],"arg_nodes":[]}', "a graph lacks its 'heads'"),
    "graphs too late": (whole(rest=',"graphs":[]'), '"graphs" stand before the "nodes"'),
    "graphs in graphs": (HEAD + '"graphs":[{"graphs":[]}]}', "a graph has no member 'graphs'"),
}  # fmt: skip

CONTENT = {
    "a row is no object": (whole("[1]"), r"line 4: node 1: a node is an object such as .*, not \[1\]"),
    "no operator": (whole("{}"), "line 4: node 1, op: an operator is called by its name"),
    "an operator by number": (whole(row(op="7")), "node 1, op: an operator is called by its name, a string, not 7"),
    "an operator by list": (whole(row(op='["relu"]')), "node 1, op: an operator is called by its name"),
    "an unknown operator": (whole(row(op='"rely"')), r"node 1 \('rely'\), op: no operator .*; is it relu\?"),
    "a module": (whole(row(op='"os.system"')), "op: no operator is called 'os.system'"),
    "foreign to nobody": (whole(row(foreign="1")), r"node 1 \('scaled'\), foreign: who knows"),
    "an unknown field": (whole(row(input="[]")), r"node 1 \('scaled'\): a node has no field 'input'; is it inputs\?"),
    "a name of numbers": (whole(row(name="3")), "name: a name is a string or null, not 3"),
    "inputs in an object": (whole(row(inputs="{}")), r"inputs: inputs are a list of \[node, output, version\], not {}"),
    "too few inputs": (whole(row(inputs="[]")), "inputs: scaled takes x, not 0 inputs"),
    "too many inputs": (whole(row(inputs="[[0,0,0],null]")), "inputs: scaled takes x, not 2 inputs"),
    "an input by number": (whole(row(inputs="[0]")), r"inputs\[0\]: a value is \[node, output, version\]"),
    "a string of three": (whole(row(inputs='["000"]')), r"inputs\[0\]: a value is \[node, output, version\]"),
    "a node by float": (whole(row(inputs="[[0.0,0,0]]")), r"inputs\[0\]: a value is .*, not \[0\.0, 0, 0\]"),
    "a node by truth": (whole(row(inputs="[[false,0,0]]")), r"inputs\[0\]: a value is .*, not \[False, 0, 0\]"),
    "a version of truth": (whole(row(inputs="[[0,0,false]]")), r"inputs\[0\]: a value is"),
    "forward": (whole(row(inputs="[[2,0,0]]"), RELU), r"line 4: node 1 .*inputs\[0\]: there is no node 2 above"),
    "a circle of one": (whole(row(inputs="[[1,0,0]]")), r"inputs\[0\]: there is no node 1 above"),
    "a node below zero": (whole(row(inputs="[[-1,0,0]]")), r"inputs\[0\]: there is no node -1 above"),
    "a huge node": (whole(row(inputs=f"[[{10**4000},0,0]]")), r"inputs\[0\]: there is no node 1000.*000 above"),
    "no such output": (whole(row(inputs="[[0,1,0]]")), r"inputs\[0\]: node 0 has 1 outputs, and none of number 1"),
    "an output below zero": (whole(row(inputs="[[0,-1,0]]")), r"inputs\[0\]: node 0 has 1 outputs"),
    "a version of an input": (whole(row(inputs="[[0,0,1]]")), r"inputs\[0\]: version 1 of node 0, which is input"),
    "params in a list": (whole(row(params="[]")), r"params: params are an object, not \[\]"),
    "an unknown param": (whole(row(params='{"bye":1}')), r"params\.bye: scaled has no param 'bye'; is it by\?"),
    "a lacking param": (whole(row(op='"split"', params="")), r"params: split lacks its param 'parts'"),
    "a param that is no literal": (whole(row(params='{"by":[1,{"eval":"1"}]}')), r"params\.by\[1\]: an object says"),
    "a deep param": (whole(row(params='{"by":' + "[" * 100 + "]" * 100 + "}")), "this is nested over 60 deep"),
    "dangling weights": (whole(row(params='{"by":{"tensor":"f32[99]","key":"ab"}}')),
                         r"params\.by\.key: there is no data under 'ab'"),
    "no types": (whole(row(types="")), "types: types are a list with one string, or null, for each output, not None"),
    "empty types": (whole(row(types="[]")), r"types: types are a list"),
    "types by number": (whole(row(types="[5]")), r"types\[0\]: a type is a string"),
    "a type that is none": (whole(row(types='["f33[2]"]')), r"types\[0\]: 'f33\[2\]': f33 is no element type"),
    "negative sizes": (whole(row(types='["f32[-2]"]')), r"types\[0\]: .*a dimension is negative"),
    "two types for one": (whole(row(types="[null,null]")), "types: scaled yields 1 outputs there, not 2"),
    "parts without end": (whole('{"op":"split","params":{"parts":1000000000},"inputs":[[0,0,0]],"types":[null]}'),
                          "types: split yields 1000000000 outputs there, not 1"),
    "parts of text": (whole('{"op":"split","params":{"parts":"2"},"inputs":[[0,0,0]],"types":[null]}'), "types|params"),
    "edges by number": (whole(row(control_deps="0")), "control_deps: control edges are a list of nodes' numbers"),
    "an edge to itself": (whole(row(control_deps="[1]")), r"control_deps\[0\]: there is no node 1 above; 1 are"),
    "hints in a list": (whole(row(hints="[]")), r"node 1 \('scaled'\), hints: hints are an object"),
    "arguments by name": (whole(arg_nodes='["x"]'), r"line 5: arg_nodes\[0\]: there is no node 'x' above"),
    "arguments computed": (whole(RELU, arg_nodes="[1]"), r"line 6: arg_nodes\[0\]: node 1 is relu; the inputs"),
    "arguments twice": (whole(arg_nodes="[0,0]"), "arg_nodes: an input is listed twice"),
    "heads in an object": (whole(heads="{}"), "line 6: heads: the outputs of a graph are a list"),
    "a head that is none": (whole(heads="[[0,0,0],[4,0,0]]"), r"heads\[1\]: there is no node 4 above"),
    "an absent head": (whole(heads="[null]"), r"heads\[0\]: a value is .*, not None"),
    "names by number": (whole(rest=',"head_names":[1]'), "head_names: the names of outputs are a list of strings"),
    "names too many": (whole(rest=',"head_names":["a","b"]'), "head_names: there are 2 names for 1 outputs"),
    "names twice": (whole(RELU, heads="[[0,0,0],[1,0,0]]", rest=',"head_names":["a","a"]'), "line 7: .*'a'"),
    "a graph's name": (whole(rest=',"name":null'), "name: a name is a string, not None"),
    "a graph's hints": (whole(rest=',"hints":{"a":{}}'), r"hints\.a: an object says what it is"),
    "a graph not there": (whole(row(params='{"by":{"graph":0}}')), r"params\.by: there is no graph 0 above"),
    "a graph of itself": (HEAD + '"graphs":[{"nodes":[' + X + "," + row(params='{"by":{"graph":0}}') + "]}]}",
                          r"there is no graph 0 above; 0 stand in \"graphs\""),
    "a bomb of graphs": (HEAD + '"graphs":[' + EMPTY + ",\n" + DOUBLES[:-2] + '],"nodes":[],"arg_nodes":[],"heads":[]}',
                         r"line 2\d: graphs in graphs come to \d+ nodes"),
    "a tower of graphs": (HEAD + '"graphs":[' + EMPTY + ",\n" + TOWER[:-2] + '],"nodes":[],"arg_nodes":[],"heads":[]}',
                          r"line 62: graphs in graphs come to \d+ nodes, 61 deep"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "said"), SYNTAX.values(), ids=SYNTAX)
def test_what_is_no_json_is_told_with_line_column_and_caret(text: str, said: str) -> None:
    with pytest.raises(Error, match=said) as caught:
        from_json(text, OPERATORS)
    message, shown, caret = str(caught.value).split("\n")
    assert message.startswith("line ")
    assert ", column " in message
    assert len(message) < 400
    assert len(shown) <= 164
    assert caret.strip() == "^"
    assert len(caret) <= len(shown) + 1


@pytest.mark.parametrize(("text", "said"), CONTENT.values(), ids=CONTENT)
def test_what_is_no_graph_is_told_with_line_node_and_field(text: str, said: str) -> None:
    with pytest.raises(Error, match=said) as caught:
        from_json(text, OPERATORS)
    message = str(caught.value)
    assert message.startswith("line ")
    assert "\n" not in message
    assert len(message) < 500


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["[[0,0,2],[1,0,0]]"], r"node 2 \('put'\), inputs\[0\]: node 0 has no version 2 here: no node above makes it"),
        (["[[0,0,1],[1,0,0]]"] * 2, r"node 3 \('put'\), inputs\[0\]: a node above makes version 1 of node 0 already"),
        (["[[0,0,1],[0,0,1]]"], r"inputs\[1\]: node 0 has no version 1 here"),
        (["[[0,0,-1],[0,0,0]]"], r"inputs\[0\]: node 0 has no version -1 here"),
    ],
)
def test_versions_that_nobody_makes(rows: list[str], said: str) -> None:
    state = '{"op":"variable","name":"s","inputs":[],"types":["f32[2]"]}'
    made = [f'{{"op":"put","inputs":{each},"types":["f32[2]"]}}' for each in rows]
    text = HEAD + f'"nodes":[{",".join((state, X, *made))}],"arg_nodes":[],"heads":[]}}'
    with pytest.raises(Error, match=said):
        from_json(text, OPERATORS, mutates=mutates)
    good = text.replace(rows[0], "[[0,0,1],[1,0,0]]", 1).replace(f',{{"op":"put","inputs":{rows[0]}', ",", 1)
    if len(rows) == 1:
        from_json(good, OPERATORS, mutates=mutates)
        with pytest.raises(Error, match="give `mutates`, which tells what writes to a variable"):
            from_json(good.replace('"heads":[]', '"heads":[[0,0,1]]'), OPERATORS)


def test_entries_of_two_numbers_are_those_of_old_files() -> None:
    found = from_json(whole(row(inputs="[[0,0]]"), heads="[[1,0]]"), OPERATORS)
    assert found.outputs[0].node.inputs == found.inputs
    assert found.output_names == ("scaled",)
    assert found.name == "main"


def test_errors_of_a_long_line_show_where_they_are() -> None:
    x = named_input("x", f32[2])
    text = to_json(Graph([relu(scaled(x, by="a" * 10_000), name="r")], [x]))
    broken = text.replace('"types":["f32[2]"]},\n{"op":"relu"', '"types":[}')
    with pytest.raises(Error, match=r"line 5, column 10\d\d\d: Expecting value|a value is expected"):
        from_json(broken, OPERATORS)
