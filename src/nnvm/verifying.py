"""What `--verify-each` asks of a run of a pass: form, the same results, and rules that lower their measure."""

from typing import Final

from nnvm.equivalence import Reference, compare
from nnvm.errors import Error
from nnvm.ir import Graph, Node, postorder, verify
from nnvm.ir.rules.firings import Firing

BLAMED: Final = 20
"""How many firings of each rule are looked at to find the rule that is at fault."""


class Refusal(Error):
    """Say what verification refused; `kind` is one word for what was wrong, `rule` the rule at fault or None.

    Kinds: measure, form, ends, order, run (the result does not run), result (it computes something else).
    """

    def __init__(self, message: str, kind: str, rule: str | None = None) -> None:
        super().__init__(message)
        self.kind: Final = kind
        self.rule: Final = rule


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
            told = f"rule {rule.name} does not lower {measure} ({left} before, {right} after) at {firing.node!r}"
            raise Refusal(told, "measure", rule.name)

    def check(self, before: Graph, after: Graph) -> str | None:
        """Raise Refusal, naming the rule where one is at fault, unless a pass kept the graph's form and meaning.

        Returns None, or why what they compute could not be compared. Forgets the firings seen.
        """
        firings, self.firings = self.firings, []
        if after is before:
            return None
        try:
            return self._compare(before, after)
        except Refusal as error:
            culprit = self._blame(firings)
            if culprit is None:
                raise
            told = f"{error}; rule {culprit.rule.name} is at fault: {culprit!r}"
            raise Refusal(told, error.kind, culprit.rule.name) from error

    def _compare(self, before: Graph, after: Graph) -> str | None:
        try:
            verify(after)
        except Error as error:
            raise Refusal(str(error), "form") from error
        _compare_ends(before, after)
        _compare_order(before, after)
        try:
            reference = Reference(before, seed=self.seed, limits=self.limits)
        except Error as error:
            return str(error)
        if not reference.rows:
            return "the graph runs at none of the sizes tried; give sizes: --set-dim NAME=INT"
        try:
            found = compare(reference, after)
        except Exception as error:  # a wrong graph may make a kernel raise anything
            raise Refusal(f"the result does not run: {error}", "run") from error
        if found.equivalent is False:
            told = f"output {found.differs!r} is not equivalent (largest error {found.max_abs_error:.3g})"
            raise Refusal(told, "result")
        return "no input changes any output" if found.equivalent is None else None

    def _blame(self, firings: list[Firing]) -> Firing | None:
        """Return the first firing whose two sides differ, whatever is around them."""
        seen: dict[str, int] = {}
        for firing in firings:
            name = firing.rule.name
            seen[name] = seen.get(name, 0) + 1
            if seen[name] > BLAMED:
                continue
            inputs = Graph([*firing.found, *firing.made]).inputs
            names = [str(i) for i in range(len(firing.made))]
            try:
                self._compare(*(Graph(side, inputs, output_names=names) for side in (firing.found, firing.made)))
            except Refusal:
                return firing
        return None


def _compare_ends(before: Graph, after: Graph) -> None:
    if before.output_names != after.output_names:
        raise Refusal(f"the outputs were {list(before.output_names)} and are {list(after.output_names)}", "ends")
    were, are = ([value.name for value in graph.inputs] for graph in (before, after))
    if were != are:
        raise Refusal(f"the inputs were {were} and are {are}", "ends")


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
            raise Refusal(f"{late!r} no longer waits for {lost!r}", "order")
