"""What `--verify-each` asks of a run of a pass: form, the same results, and rules that lower their measure."""

from collections.abc import Iterator, Mapping
from typing import Final

from nnvm.equivalence import BINDINGS, candidate_bindings, compare, random_inputs
from nnvm.errors import Error
from nnvm.ir import Graph, Node, postorder, verify
from nnvm.ir.firings import Firing
from nnvm.pipeline import compile

BLAMED: Final = 20
"""How many firings of each rule are looked at to find the rule that is at fault."""


class Verifier:
    """Sees what one pass after another does, and trusts none of them."""

    __slots__ = ("firings", "limits", "seed")

    def __init__(self, seed: int = 0, limits: tuple[float, float] | None = None) -> None:
        self.seed: Final = seed
        self.limits: Final = limits
        self.firings: list[Firing] = []

    def watch(self, firing: Firing) -> None:
        """Remember a firing; raise Error where its right side is not below its left side in the rule's measure."""
        self.firings.append(firing)
        rule = firing.rule
        left, right = rule.lowers(firing.left), rule.lowers(firing.right)
        if not right < left:
            measure = getattr(rule.lowers, "__name__", "its measure")
            raise Error(f"rule {rule.name} does not lower {measure} ({left} before, {right} after) at {firing.node!r}")

    def check(self, before: Graph, after: Graph) -> str | None:
        """Raise Error, naming the rule where one is at fault, unless a pass kept the graph's form and meaning.

        Returns None, or why what they compute could not be compared. Forgets the firings seen.
        """
        firings, self.firings = self.firings, []
        if after is before:
            return None
        try:
            return self._compare(before, after)
        except Error as error:
            culprit = self._blame(firings)
            if culprit is None:
                raise
            raise Error(f"{error}; rule {culprit.rule.name} is at fault: {culprit!r}") from error

    def _compare(self, before: Graph, after: Graph) -> str | None:
        verify(after)
        _compare_ends(before, after)
        _compare_order(before, after)
        try:
            bindings = list(self._bindings(before))
        except Error as error:
            return str(error)
        if not bindings:
            return "the graph runs at none of the sizes tried; give sizes: --set-dim NAME=INT"
        try:
            found = compare(before, after, bindings=bindings, seed=self.seed, limits=self.limits)
        except Exception as error:  # a wrong graph may make a kernel raise anything
            raise Error(f"the result does not run: {error}") from error
        if found.equivalent is False:
            raise Error(f"output {found.differs!r} is not equivalent (largest error {found.max_abs_error:.3g})")
        return "no input changes any output" if found.equivalent is None else None

    def _bindings(self, graph: Graph) -> Iterator[Mapping[str, int]]:
        run, found = compile(graph), 0
        for binding in candidate_bindings(graph):
            try:
                run(random_inputs(graph, binding, self.seed, self.limits))
            except Error:
                continue
            yield binding
            found += 1
            if found == BINDINGS:
                return

    def _blame(self, firings: list[Firing]) -> Firing | None:
        """Return the first firing whose two sides differ, whatever is around them."""
        seen: dict[str, int] = {}
        for firing in firings:
            name = firing.rule.name
            seen[name] = seen.get(name, 0) + 1
            if seen[name] > BLAMED:
                continue
            old, new = firing.node.outputs[0], firing.made
            inputs = Graph([old, new]).inputs
            try:
                self._compare(*(Graph([side], inputs, output_names=["it"]) for side in (old, new)))
            except Error:
                return firing
        return None


def _compare_ends(before: Graph, after: Graph) -> None:
    if before.output_names != after.output_names:
        raise Error(f"the outputs were {list(before.output_names)} and are {list(after.output_names)}")
    were, are = ([value.name for value in graph.inputs] for graph in (before, after))
    if were != are:
        raise Error(f"the inputs were {were} and are {are}")


def _compare_order(before: Graph, after: Graph) -> None:
    """Raise Error where a control edge is lost between nodes that are both still there, themselves or by name."""
    there = set(after.nodes)
    named = {node.name: node for node in after.nodes if node.name is not None}

    def now(node: Node) -> Node | None:
        return node if node in there else named.get(node.name or "")

    for node in before.nodes:
        late = now(node) if node.after else None
        if late is None or late is node:
            continue
        wanted = {early for early in map(now, node.after) if early is not None and early is not late}
        for lost in wanted.difference(late.after).difference(postorder(late.outputs[:1])):
            raise Error(f"{late!r} no longer waits for {lost!r}")
