"""What a picture says of a graph: a box for every operator and end, its lines, and the wires between boxes."""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, Final, NamedTuple

from nnvm.attrs import mutates
from nnvm.ir import ABSENT, Dim, DType, Graph, Node, TensorData, TensorType, Value, analysis, data_of, is_constant
from nnvm.ir.op import constant, input, variable
from nnvm.ops import fill
from nnvm.pictures.families import family
from nnvm.pictures.lettering import TITLE, clean, fit, shorten, width

WIDEST: Final = 250.0
LINE: Final = 15.0
_MOST_PARAMS: Final = 4
_MOST_HELD: Final = 4
_MOST_WORDS: Final = 2000
_SPELT: Final = (str, int, float, tuple, Mapping, bytes, TensorData, TensorType, DType, Graph)


class Box(NamedTuple):
    """An operator, an input or an output as it is drawn; `lines` are short, `facts` and `types` are whole."""

    kind: str  # "node", "input" or "output"
    title: str
    family: str
    name: str
    lines: tuple[str, ...]
    width: float
    height: float
    device: str | None
    params: tuple[tuple[str, str], ...]
    held: tuple[tuple[str, str], ...]  # what is folded into the box: input -> constant or state
    types: tuple[str, ...]
    labels: tuple[str, ...]  # the types again, short enough to stand beside a wire
    hints: tuple[tuple[str, str], ...]


class Wire(NamedTuple):
    """From an output of a box to an input of a later one; a control edge where `output` is None."""

    source: int
    output: int | None
    target: int
    port: str


class Diagram(NamedTuple):
    """Boxes, each after those that its wires come from."""

    title: str
    boxes: tuple[Box, ...]
    wires: tuple[Wire, ...]


@analysis
def diagram(graph: Graph) -> Diagram:
    """Return what there is to draw of a graph: inputs and operators in the order of its nodes, then outputs."""
    boxes: list[Box] = []
    wires: list[Wire] = []
    numbers: dict[Node, int] = {}
    drawn = _drawn(graph)
    ends = [value.node for value in graph.inputs]
    for node in (*dict.fromkeys(ends), *graph.nodes):
        if node in numbers or not (node in drawn or node.op is input):
            continue
        here = numbers[node] = len(boxes)
        boxes.append(_box(node, numbers))
        for value, port in zip(node.inputs, port_names(node), strict=True):
            if value is not ABSENT and value.node in numbers:
                wires.append(Wire(numbers[value.node], value.index, here, port))
        wires += [Wire(numbers[other], None, here, "after") for other in node.after if other in numbers]
    for name, value in zip(graph.output_names, graph.outputs, strict=True):
        there = numbers.get(value.node)
        if there is not None:
            wires.append(Wire(there, value.index, len(boxes), ""))
        boxes.append(_output(name, value, there is None))
    return Diagram(clean(graph.name), tuple(boxes), tuple(wires))


def _drawn(graph: Graph) -> set[Node]:
    """Return the nodes with boxes of their own: not constants, nor states that are only read."""
    found = {node for node in graph.nodes if not _is_folded(node)}
    for node in graph.nodes:
        found.update(node.inputs[i].node for i in mutates.get(node.op) or () if i < len(node.inputs))
        found.update(node.after)
    found.discard(ABSENT.node)
    return found


def _is_folded(node: Node) -> bool:
    if node.op is constant or node.op is variable:
        return not node.after
    return node.op is fill and is_constant(node.inputs[0]) and not node.after


def port_names(node: Node) -> list[str]:
    """Return what an operator calls each input of a node."""
    names, count = node.op.inputs, len(node.inputs)
    if not node.op.variadic:
        return list(names[:count]) + [str(i) for i in range(len(names), count)]
    fixed = len(names) - 1
    return [names[i] if i < fixed else f"{names[-1]}[{i - fixed}]" for i in range(count)]


def _box(node: Node, numbers: Mapping[Node, int]) -> Box:
    kind = "input" if node.op is input else "node"
    title = clean(node.op.name if kind == "node" else node.name or "input")
    params = [(key, spell(param)) for key, param in node.params.items() if not _is_default(node, key, param)]
    if kind == "input" or node.op is variable or node.op is constant:
        params = []
    held = [
        (port, _held(value))
        for value, port in zip(node.inputs, port_names(node), strict=True)
        if value is not ABSENT and value.node not in numbers
    ]
    name = node.name or ""
    lines = [short_name(name)] if name and kind == "node" else []
    lines += _some([_param_line(node, key) for key, _ in params if not _is_idle(key, node.params[key])], _MOST_PARAMS)
    lines += _some([f"{key} {text}" for key, text in held], _MOST_HELD)
    if len(node.outputs) > 1:
        lines += _some([f"→ {type_label(type)}" for type in node.types], _MOST_HELD)
    device = node.hints.get("device")
    return made_box(
        kind, title, "end" if kind == "input" else family(node.op), name, lines, node.types, params, held,
        None if device is None else clean(str(device)[:_MOST_WORDS]), _hints(node.hints),
    )  # fmt: skip


def _output(name: str, value: Value, held: bool) -> Box:
    constants = [("value", _held(value))] if held else []
    lines = [text for _, text in constants]
    return made_box("output", clean(name), "end", name, lines, (value.type,), [], constants, None, ())


def made_box(
    kind: str,
    title: str,
    group: str,
    name: str,
    lines: list[str],
    types: Iterable[Any],
    params: list[tuple[str, str]],
    held: list[tuple[str, str]],
    device: str | None,
    hints: tuple[tuple[str, str], ...],
) -> Box:
    """Return a box of what it says, as wide and as high as its title and lines ask for."""
    types = tuple(types)
    room = WIDEST - 24
    title = fit(title, room, TITLE, bold=True)
    shown = tuple(fit(line, room) for line in lines)
    needs = max([width(title, TITLE, bold=True), *[width(line) for line in shown], 44.0])
    return Box(
        kind, title, group, clean(name[:_MOST_WORDS]), shown, float(round(needs) + 24),
        23.0 + (LINE * len(shown) + 5 if shown else 3), device, tuple(params), tuple(held),
        tuple(spell(type) if type is not None else "" for type in types), tuple(map(type_label, types)), hints,
    )  # fmt: skip


def _some(lines: list[str], most: int) -> list[str]:
    return lines if len(lines) <= most else [*lines[: most - 1], f"and {len(lines) - most + 1} more"]


def _is_default(node: Node, key: str, param: Any) -> bool:
    if param is None or (isinstance(param, tuple) and not param):
        return True
    default = node.op.defaults.get(key)
    return type(default) is type(param) and bool(default == param)


def _is_idle(key: str, param: Any) -> bool:
    """Say whether a param says little: strides and dilations of one, pads of zero, a record that is no literal."""
    if not isinstance(param, _SPELT):
        return True
    idle = {"strides": 1, "dilations": 1, "pads": 0}.get(key)
    return isinstance(param, tuple) and all(size == idle for size in param)


def _param_line(node: Node, key: str) -> str:
    param = node.params[key]
    if key in ("kernel", "strides", "dilations") and isinstance(param, tuple):
        return f"{key} {'×'.join(map(spell, param))}"
    return f"{key} {spell(param)}"


def short_name(name: str) -> str:
    """Return the end of a name, behind its scopes."""
    return shorten(name.rstrip("/").rpartition("/")[2] or name, 40)


def spell(thing: Any) -> str:
    """Write a param or a type for people, whole unless it is very long."""
    if isinstance(thing, float):
        text = f"{thing:.6g}"
    elif isinstance(thing, Graph):
        text = f"graph of {len(thing.nodes)} nodes"
    elif isinstance(thing, TensorData):
        text = _data_text(thing)
    elif isinstance(thing, (tuple, list)) and len(thing) <= 64:
        text = f"[{', '.join(map(spell, thing))}]"
    elif isinstance(thing, Mapping):
        entries = [f"{key} {spell(item)}" for key, item in islice(thing.items(), 8)]
        text = ", ".join([*entries, "…"] if len(thing) > 8 else entries)
    elif isinstance(thing, (tuple, list, bytes)):
        text = f"{len(thing)} elements"
    else:
        text = thing if isinstance(thing, str) else str(thing)
    return clean(text) if len(text) <= _MOST_WORDS else clean(text[:_MOST_WORDS]) + "…"


def _held(value: Value) -> str:
    node, data = value.node, data_of(value)
    if data is not None:
        return _data_text(data)
    if node.op is fill:
        return f"{type_label(value.type)}, all {spell(node.params.get('value'))}"
    return f"{shorten(node.name or '', 40)} {type_label(value.type)}".strip()


def _data_text(data: TensorData) -> str:
    if data.size <= 4 and data.has_numbers:
        numbers = [spell(number) for number in data.values()]
        return numbers[0] if data.shape == () and numbers else f"[{', '.join(numbers)}]"
    return type_label(data.tensor)


def type_label(type: Any) -> str:
    """Write a type short enough to stand beside a wire: "f32 1×64×55×55"; long dimensions as …."""
    if not isinstance(type, TensorType):
        return "" if type is None else shorten(repr(type), 30)
    if type.shape_or_none is None:
        return f"{type.dtype!r} of any shape"
    sizes = [_size_label(size) for size in type.shape_or_none]
    return f"{type.dtype!r} {shorten('×'.join(sizes), 32) if sizes else 'scalar'}"


def _size_label(size: Any) -> str:
    text = str(size)
    return text if not isinstance(size, Dim) or len(text) <= 10 else "…"


def _hints(hints: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return what hints say in words: literals, and of a record where the node came from its name and remarks."""
    found = []
    for key, hint in sorted(hints.items(), key=lambda item: str(item[0])):
        if isinstance(hint, (str, int, float, bool, tuple, list)):
            found.append((spell(str(key)), spell(hint)))
            continue
        for field in ("name", "doc", "metadata"):
            said = getattr(hint, field, None)
            if said:
                found.append((spell(f"{key} {field}"), spell(said)))
    return tuple(found)
