"""What stands for what: chains are followed, names and control edges are handed on, firings are counted."""

from collections.abc import Iterator
from itertools import pairwise

from tests.ir.operators import halves, neg, relu, sub, tanh

from nnvm.ir import Value, f32, named_input, rule
from nnvm.ir.rules.firings import Firing
from nnvm.ir.rules.replacements import Replacements

X = named_input("x", f32[4])


@rule
def renamed(x: Value) -> Iterator[Value]:
    yield relu(x)
    yield tanh(x)


def test_chains_are_followed_and_shortened():
    now = Replacements(None)
    values = [relu(X) for _ in range(50)]
    for old, new in pairwise(values):
        now.follow([old], [new])
    assert now.resolve(values[0]) is values[-1]
    assert set(now.forward.values()) == {values[-1]}
    assert now.resolve(X) is X
    now.follow([X], [X])
    assert X not in now.forward


def test_what_is_put_takes_over_name_and_is_counted_and_told():
    seen: list[Firing] = []
    now = Replacements(seen.append)
    old, made = relu(X, name="r", hints={"layer": 1}), tanh(X)
    (put,) = now.put(renamed, (X,), (old.node,), (old,), (made,))
    assert (put.node.op, put.node.name, put.node.hints) == (tanh, "r", {"layer": 1})
    assert now.resolve(old) is put
    assert now.fired == {"renamed": 1}
    assert (seen[0].found, seen[0].made, seen[0].left, seen[0].right) == ((old,), (put,), (old.node,), (put.node,))


def test_readers_of_a_node_that_got_its_name_late_follow():
    now = Replacements(None)
    first, second = halves(neg(X), name="h")
    cut = halves(X)
    outer = neg(cut[1])
    other = relu(X, name="other")
    put = now.put(renamed, (X,), (first.node, other.node), (first, second, other), (*cut, outer))
    assert [value.node.name for value in put] == ["h", "h", "other"]
    assert put[2].node.inputs == (cut[1],)
    assert now.resolve(cut[1]) is put[1]


def test_control_edges_are_lost_only_to_old_nodes():
    now = Replacements(None)
    waiting = relu(X, after=(neg(X).node,))
    old = tanh(X)
    now.settled.update([old.node, X.node])
    assert not now.may_put((waiting.node,), (old,), (waiting,))
    assert now.may_put((waiting.node,), (sub(X, X),), (waiting,))
    assert now.may_put((relu(X).node,), (old,), (relu(X),))
