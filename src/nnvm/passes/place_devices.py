"""How groups of nodes come to devices, with a copy wherever a value crosses between two (NNVM's PlaceDevice)."""

from collections.abc import Mapping
from typing import Final, TypeAlias

from nnvm.analyses.state import writes
from nnvm.errors import Error
from nnvm.ir import Graph, Node, OpAttr, Value, make, params, rewrite
from nnvm.ops import copy
from nnvm.passes.cse import DEVICE

Device: TypeAlias = str | int

backward: Final[OpAttr[bool]] = OpAttr("computes a gradient, and so runs where the first node that it waits for runs")
"""Filled for operators whose control edges name the forward node (NNVM's TIsBackward)."""


def place_devices(
    graph: Graph, *, devices: Mapping[str, Device], default: Device | None = None, group_hint: str = "group"
) -> Graph:
    """Write on every node the device that it runs on, as the hint `device`, and copy what crosses to another.

    A node's group decides, or else the device hint that it has, or its first placed input, or its last placed consumer;
    the rest runs on `default`, the first of `devices` where none is given. Each value is copied once to each device.
    Raises Error for an unknown group, and for a state and a write to it on different devices.
    """
    places = _places(graph, devices, default, group_hint)
    _check_states(graph, places)
    copies = _Copies(graph)

    def visit(node: Node, origin: Node) -> tuple[Value, ...] | None:
        here = places[origin]
        inputs = node.inputs
        if not _crosses(node):
            pairs = zip(inputs, origin.inputs, strict=True)
            inputs = tuple(new if places.get(old.node, here) == here else copies.get(new, here) for new, old in pairs)
        if inputs == node.inputs and node.hints.get(DEVICE) == here:
            return None
        return node.replace(inputs=inputs, hints={DEVICE: here}).outputs

    return rewrite(graph, visit, origins=True)


def _places(
    graph: Graph, devices: Mapping[str, Device], default: Device | None, group_hint: str
) -> Mapping[Node, Device]:
    rest = default if default is not None else next(iter(devices.values()), None)
    if rest is None:
        raise Error("there is no device to place nodes on; give devices, or a default")
    odd = sorted(repr(each) for each in (*devices.values(), rest) if not isinstance(each, (str, int)))
    if odd:
        raise Error(f"a device is a name or a number, not {', '.join(odd)}")
    found: dict[Node, Device] = {}
    for node in graph.nodes:
        place = _said(node, devices, group_hint)
        place = _inherited(node, found) if place is None else place
        if place is not None:
            found[node] = place
    for node in reversed(graph.nodes):
        if node in found and not _crosses(node):
            for value in node.inputs:
                found.setdefault(value.node, found[node])
    return {node: found.get(node, rest) for node in graph.nodes}


def _crosses(node: Node) -> bool:
    return node.op is copy and node.params["device"] is not None


def _said(node: Node, devices: Mapping[str, Device], group_hint: str) -> Device | None:
    """Return the device that a node itself names: a copy by where it goes, others by group or by device."""
    if _crosses(node):
        said: Device = node.params["device"]
        return said
    group = node.hints.get(group_hint)
    if group is None:
        return node.hints.get(DEVICE)
    found = devices.get(group) if isinstance(group, str) else None
    if found is None:
        known = ", ".join(map(repr, devices)) or "none"
        raise Error(f"{node!r} is in group {group!r}, which has no device; the groups with one are: {known}")
    return found


def _inherited(node: Node, found: Mapping[Node, Device]) -> Device | None:
    if node.after and node.op in backward and node.after[0] in found:
        return found[node.after[0]]
    return next((found[value.node] for value in node.inputs if value.node in found), None)


def _check_states(graph: Graph, places: Mapping[Node, Device]) -> None:
    for node in graph.nodes:
        for state, _ in writes(node):
            if places[state.node] != places[node]:
                raise Error(
                    f"{node!r} runs on {places[node]!r} and writes to {state!r} on {places[state.node]!r}; "
                    "a state is never written from another device: put both into one group"
                )


class _Copies:
    """The copies made so far, one for each value and destination, under names that nothing else has."""

    def __init__(self, graph: Graph) -> None:
        ends = (value.node for value in graph.inputs)
        self.taken: dict[str, int] = {node.name: 0 for node in (*graph.nodes, *ends) if node.name is not None}
        self.made: dict[tuple[Value, Device], Value] = {}

    def get(self, value: Value, device: Device) -> Value:
        found = self.made.get((value, device))
        if found is None:
            name = self._name(f"{value.node.name or value.node.op.name}_{value.index}_copy")
            given, hints = params({"device": device}), {DEVICE: device}
            found = self.made[value, device] = make(copy, (value,), given, value.type, name, (), hints)
        return found

    def _name(self, wanted: str) -> str:
        name, number = wanted, self.taken.get(wanted, 0)
        while name in self.taken:
            number += 1
            name = f"{wanted}_{number}"
        self.taken[wanted] = number
        self.taken.setdefault(name, 0)
        return name
