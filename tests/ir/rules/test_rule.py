from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from tests.ir.operators import (
    LONG,
    UNARY,
    add,
    biased,
    chain,
    diamonds,
    flat,
    found,
    halves,
    mul,
    neg,
    relu,
    scaled,
    split,
    sub,
    tanh,
)  # fmt: skip
from tests.laws.graphs import graphs

from nnvm.errors import Error
from nnvm.ir import (
    Graph,
    Node,
    Rule,
    TensorType,
    Value,
    apply_rules,
    constant,
    count,
    either,
    f32,
    f64,
    is_constant,
    named_input,
    op,
    rule,
    run_rules,
    same,
    tensor_data,
    trace,
    work,
)

X, Y = named_input("x", f32[4]), named_input("y", f32[4])
Steps = Iterator[Value]


@rule
def two_negations_vanish(x: Value) -> Steps:
    """--x = x"""
    yield neg(neg(x))
    yield x


@rule
def adding_nothing_vanishes(x: Value) -> Steps:
    yield add(x, 0)
    yield x


def ops(value: Value) -> list[str]:
    return [node.op.name for node in Graph([value]).nodes]


def rewritten(value: Value, *rules: Rule) -> Value:
    return apply_rules(Graph([value], [X, Y]), rules).outputs[0]


def test_a_rule_finds_and_replaces() -> None:
    assert rewritten(relu(neg(neg(X))), two_negations_vanish) is not None
    assert ops(rewritten(relu(neg(neg(X))), two_negations_vanish)) == ["input", "relu"]
    assert (two_negations_vanish.name, two_negations_vanish.doc, two_negations_vanish.root) == (
        "two_negations_vanish",
        "--x = x",
        (neg,),
    )
    assert repr(two_negations_vanish) == "<rule two_negations_vanish>"


def test_back_to_back_matches() -> None:
    value = X
    for length in range(1, 8):
        value = neg(value)
        assert ops(rewritten(value, two_negations_vanish)) == ["input"] + ["neg"] * (length % 2)


def test_nothing_to_do_is_the_same_graph() -> None:
    graph = Graph([neg(relu(neg(X)))])
    done = run_rules(graph, [two_negations_vanish])
    assert done.graph is graph
    assert (done.fired, done.stopped) == ({}, "nothing to change")


def test_the_report() -> None:
    done = run_rules(Graph([add(neg(neg(X)), 0)]), [two_negations_vanish, adding_nothing_vanishes])
    assert done.graph.outputs == (X,)
    assert done.fired == {"adding_nothing_vanishes": 1, "two_negations_vanish": 1}
    assert done.stopped == "fixpoint"


@pytest.mark.parametrize("zero", [0, 0.0, -0.0])
def test_numbers_match_constants_that_are_this_number_throughout(zero: float) -> None:
    zeros = constant(data=tensor_data([zero] * 4, f32[4]))
    for value in (add(X, zeros), add(zeros, X), add(X, zero), add(zero, X)):
        assert rewritten(value, adding_nothing_vanishes) is X
    mixed = constant(data=tensor_data([0, 0, 0, 1], f32[4]))
    for value in (add(X, mixed), add(X, 1), sub(X, 0), add(X, Y)):
        assert rewritten(value, adding_nothing_vanishes) is value


def test_a_type_is_never_changed() -> None:
    small = named_input("s", f32[()])
    zeros = constant(data=tensor_data(0, f32[4]))
    grown = add(small, zeros)
    assert grown.type is f32[4]
    assert rewritten(grown, adding_nothing_vanishes) is grown

    @rule
    def flattened(x: Value) -> Steps:
        yield relu(x)
        yield flat(x)

    @rule(untyped=True)
    def transparent(x: Value) -> Steps:
        yield relu(x)
        yield x

    square = relu(named_input("q", f32[2, 2]))
    assert rewritten(square, flattened) is square
    unknown = relu(named_input("u"))
    assert rewritten(unknown, flattened) is unknown
    some_rank = relu(named_input("r", f32[...]))
    assert flattened.keeps(some_rank, named_input("r", f32[...])) is False
    assert transparent.keeps(some_rank, named_input("r", f32[...]))
    assert not transparent.keeps(some_rank, named_input("r"))


def test_either_at_the_root_and_below() -> None:
    @rule
    def outer(x: Value) -> Steps:
        yield neg(either(relu(x), tanh(x)))
        yield neg(x)

    @rule
    def root(x: Value) -> Steps:
        yield either(relu(neg(x)), tanh(neg(x)))
        yield x

    for inner in (relu, tanh):
        assert ops(rewritten(neg(inner(X)), outer)) == ["input", "neg"]
        assert rewritten(inner(neg(X)), root) is X
    assert len(ops(rewritten(neg(neg(X)), outer))) == 3
    assert set(root.root) == {relu, tanh}


def test_commutative_inputs_match_both_ways_and_others_do_not() -> None:
    @rule
    def absorbed(x: Value, y: Value) -> Steps:
        yield add(neg(x), y)
        yield sub(y, x)

    for value in (add(neg(X), Y), add(Y, neg(X))):
        assert rewritten(value, absorbed).node.inputs == (Y, X)
        assert rewritten(value, absorbed).node.op is sub

    @rule
    def one_way(x: Value, y: Value) -> Steps:
        yield sub(neg(x), y)
        yield neg(add(x, y))

    kept = sub(Y, neg(X))
    assert rewritten(kept, one_way) is kept
    assert ops(rewritten(sub(neg(X), Y), one_way)) == ["input", "input", "add", "neg"]


def test_one_hole_twice_is_one_value() -> None:
    @rule
    def doubled(x: Value) -> Steps:
        yield add(x, x)
        yield mul(x, 2)

    assert ops(rewritten(add(X, X), doubled)) == ["input", "constant", "mul"]
    assert ops(rewritten(add(X, Y), doubled)) == ["input", "input", "add"]


def test_a_shared_part_is_one_node() -> None:
    @rule
    def gated(x: Value) -> Steps:
        inner = tanh(x)
        yield mul(inner, relu(inner))
        yield relu(x)

    shared = tanh(X)
    assert ops(rewritten(mul(shared, relu(shared)), gated)) == ["input", "relu"]
    assert ops(rewritten(mul(relu(shared), shared), gated)) == ["input", "relu"]
    assert len(ops(rewritten(mul(tanh(X), relu(tanh(X))), gated))) == 5


def test_outputs_are_told_apart() -> None:
    @rule
    def first_only(x: Value) -> Steps:
        yield relu(halves(x)[0])
        yield halves(x)[1]

    @rule
    def swapped(x: Value) -> Steps:
        first, second = halves(x)
        yield sub(first, second)
        yield neg(sub(second, first))

    first, second = halves(X)
    assert rewritten(relu(first), first_only).node.op is halves
    assert rewritten(relu(second), first_only).node.op is relu
    assert ops(rewritten(sub(first, second), swapped)) == ["input", "halves", "sub", "neg"]
    for kept in (sub(second, first), sub(first, first), sub(halves(X)[0], halves(X)[1])):
        assert rewritten(kept, swapped) is kept
    with pytest.raises(Error, match="rule one_of_two: its left side must give every output of halves, each once"):

        @rule
        def one_of_two(x: Value) -> Steps:
            yield halves(x)[1]
            yield x


def test_params_are_compared_by_type_and_value() -> None:
    @rule
    def by_one(x: Value) -> Steps:
        yield scaled(x, by=(1, 0.0))
        yield x

    assert rewritten(scaled(X, by=(1, 0.0)), by_one) is X
    assert rewritten(scaled(X, by=[1, 0.0]), by_one) is X
    for other in [(True, 0.0), (1.0, 0.0), (1, -0.0), (1, 0), 1, (1, 0.0, 0)]:
        kept = scaled(X, by=other)
        assert rewritten(kept, by_one) is kept

    @rule
    def by_nan(x: Value) -> Steps:
        yield scaled(x, by=float("nan"))
        yield x

    assert rewritten(scaled(X, by=float("nan")), by_nan) is X


def test_holes_for_params() -> None:
    @rule
    def merged(x: Value, first: int, *, second: int) -> Steps:
        yield scaled(scaled(x, by=first), by=second)
        if first > 0:
            yield scaled(x, by=first * second)

    @rule
    def equal_ones(x: Value, by: Any) -> Steps:
        yield sub(scaled(x, by=by), scaled(x, by=by))
        yield neg(x)

    assert rewritten(scaled(scaled(scaled(X, by=2), by=3), by=5), merged).node.params == {"by": 30}
    kept = scaled(scaled(X, by=-2), by=3)
    assert rewritten(kept, merged) is kept
    assert rewritten(sub(scaled(X, by=2), scaled(X, by=2)), equal_ones).node.op is neg
    kept = sub(scaled(X, by=1), scaled(X, by=True))
    assert rewritten(kept, equal_ones) is kept


def test_guards() -> None:
    @rule
    def constants_only(x: Value, y: Value) -> Steps:
        yield sub(x, y)
        if is_constant(y) and y.shape == ():
            yield add(x, neg(y))

    assert rewritten(sub(X, 2), constants_only).node.op is add
    for kept in (sub(X, Y), sub(X, constant(data=tensor_data(2, f32[4]))), sub(X, named_input("u"))):
        assert rewritten(kept, constants_only) is kept


def test_control_edges() -> None:
    effect = tanh(Y).node
    inner = neg(neg(X), after=(effect,))
    assert rewritten(relu(neg(inner)), two_negations_vanish).node.inputs[0].node.op is neg
    outer = relu(inner)
    assert rewritten(outer, two_negations_vanish) is outer

    @rule
    def renamed(x: Value) -> Steps:
        yield relu(x)
        yield tanh(x)

    made = rewritten(relu(X, after=(effect,), name="r", hints={"layer": 1}), renamed).node
    assert (made.op, made.after, made.name, made.hints) == (tanh, (effect,), "r", {"layer": 1})


def test_control_edges_follow_what_was_replaced() -> None:
    @rule
    def renamed(x: Value) -> Steps:
        yield relu(x)
        yield neg(x)

    early = relu(X)
    late, first = apply_rules(Graph([tanh(Y, after=(early.node,)), early]), [renamed]).outputs
    assert late.node.after == (first.node,)
    assert first.node.op is neg


def test_names_are_adopted_through_many_firings() -> None:
    @rule
    def shrink(x: Value, by: int) -> Steps:
        yield scaled(x, by=by)
        if by:
            yield scaled(x, by=by - 1)

    done = run_rules(Graph([relu(scaled(X, by=20, name="s"))]), [shrink])
    made = done.graph.outputs[0].node.inputs[0].node
    assert (made.name, made.params, done.fired) == ("s", {"by": 0}, {"shrink": 20})


def test_the_budget_stops_what_never_ends() -> None:
    @rule
    def forever(x: Value) -> Steps:
        yield tanh(x)
        yield tanh(neg(x))

    graph = Graph([tanh(X, name="t"), relu(tanh(Y))])
    done = run_rules(graph, [forever], budget=10)
    assert done.fired == {"forever": 20}
    assert done.stopped == "budget of 10 firings spent at _ = tanh(y)"
    assert len(done.graph.nodes) == 2 + 2 + 20 + 1
    assert done.graph.outputs[0].node.name == "t"


def test_two_rules_that_undo_each_other_end() -> None:
    @rule
    def there(x: Value) -> Steps:
        yield tanh(x)
        yield relu(x)

    @rule
    def back(x: Value) -> Steps:
        yield relu(x)
        yield tanh(x)

    done = run_rules(Graph([neg(tanh(X))]), [there, back], budget=7)
    assert sum(done.fired.values()) == 7
    assert done.stopped.startswith("budget")


def test_sinking_costs_one_firing_a_step() -> None:
    @rule
    def sinks(x: Value) -> Steps:
        yield relu(neg(x))
        yield neg(relu(x))

    length = 500
    value = neg(X)
    for _ in range(length):
        value = relu(value)
    done = run_rules(Graph([value]), [sinks])
    assert done.fired == {"sinks": length}
    assert [node.op for node in done.graph.nodes] == [X.node.op, *[relu] * length, neg]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (lambda x: x.shape, "must not look at its holes"),
        (lambda x: bool(x), "must not look at its holes"),
        (lambda x: x.type.dtype, "must not look at its holes"),
    ],
)
def test_looking_at_a_hole_before_the_first_yield_is_an_error(body: Any, message: str) -> None:
    def looking(x: Value) -> Steps:
        body(x)
        yield relu(x)

    with pytest.raises(Error, match=f"rule looking: .*{message}"):
        rule(looking)


def test_branching_on_a_parameter_before_the_first_yield_is_an_error() -> None:
    def branching(x: Value, by: int) -> Steps:
        yield scaled(x, by=by) if by == 1 else relu(x)

    with pytest.raises(Error, match=r"rule branching: .*the parameter by is not known yet"):
        rule(branching)


def test_patterns_that_cannot_be_found_are_refused() -> None:
    def unused(x: Value, y: Value) -> Steps:
        yield relu(x)

    def bare(x: Value) -> Steps:
        yield x

    def two(x: Value) -> Any:
        yield relu(x), 2

    def nothing(x: Value) -> Steps:
        yield from ()

    def uneven(x: Value) -> Steps:
        yield add(x, constant(data=tensor_data([1, 2], f32[2])))

    for function, message in [
        (unused, "does not use y"),
        (bare, "must be the use of an operator, not x"),
        (two, "must be one value or more, not tuple"),
        (nothing, "before its first yield"),
        (uneven, "is not one number"),
    ]:
        with pytest.raises(Error, match=f"rule {function.__name__}: .*{message}"):
            rule(function)


def test_a_rule_that_fails_is_named() -> None:
    @rule
    def broken(x: Value) -> Steps:
        yield relu(x)
        yield {}["missing"]

    @rule
    def numeric(x: Value) -> Any:
        yield relu(x)
        yield 0

    for each, message in [(broken, "KeyError: 'missing'"), (numeric, "it yields a int in place of a value")]:
        with pytest.raises(Error, match=rf"rule {each.name} failed at r = relu\(x\): {message}"):
            rewritten(relu(X, name="r"), each)


def test_a_right_side_that_does_not_fit_is_no_replacement() -> None:
    @rule
    def wrong(x: Value) -> Steps:
        yield relu(x)
        yield add(x, constant(data=tensor_data([1, 2, 3], f32[3])))

    kept = relu(X)
    assert rewritten(kept, wrong) is kept


def test_optional_inputs_are_part_of_a_pattern() -> None:
    @rule
    def plain(x: Value, weight: Value) -> Steps:
        yield biased(x, weight)
        yield mul(x, weight)

    assert rewritten(biased(X, Y), plain).node.op is mul
    kept = biased(X, Y, Y)
    assert rewritten(kept, plain) is kept


def test_a_variable_number_of_outputs() -> None:
    @rule
    def whole(x: Value) -> Steps:
        yield split(x, parts=1)[0]
        yield x

    assert rewritten(relu(split(X, parts=1)[0]), whole).node.inputs == (X,)
    kept = relu(split(X, parts=2)[0])
    assert rewritten(kept, whole) is kept


def test_measures() -> None:
    two = constant(data=tensor_data(2, f32[()]))
    nodes: list[Node] = [two.node, neg(two).node, add(X, two).node, found(X).node]
    assert (count(nodes), work(nodes)) == (4, 2)
    assert rule(lowers=work)(two_negations_vanish.function).lowers is work
    assert two_negations_vanish.lowers is count


def test_retyping_flows_to_consumers() -> None:
    @op
    def widened(x: Value) -> TensorType:
        return f64[x.shape]

    @rule
    def known(x: Value) -> Steps:
        yield relu(neg(x))
        yield tanh(x)

    def before(x: Value) -> Value:
        return widened(relu(neg(x)))

    def after(x: Value) -> Value:
        return widened(tanh(x))

    assert same(apply_rules(trace(before, x=f32["n"]), [known]), trace(after, x=f32["n"]))


@given(graphs(UNARY, (add, mul, sub)))
def test_a_fixpoint_is_a_fixpoint(graph: Graph) -> None:
    rules = [two_negations_vanish, adding_nothing_vanishes]
    once = run_rules(graph, rules)
    assert once.stopped in ("fixpoint", "nothing to change")
    assert run_rules(once.graph, rules).graph is once.graph
    assert not any(node.op is neg and node.inputs[0].node.op is neg for node in once.graph.nodes)
    assert same(once.graph, run_rules(graph, rules).graph)


def test_long_graphs() -> None:
    @rule
    def shorter(x: Value) -> Steps:
        yield relu(tanh(x))
        yield relu(x)

    @rule
    def idempotent(x: Value) -> Steps:
        yield relu(relu(x))
        yield relu(x)

    done = run_rules(chain(), [shorter, idempotent])
    assert [node.op for node in done.graph.nodes] == [X.node.op, relu]
    assert done.fired == {"idempotent": LONG // 2 - 1, "shorter": LONG // 2}
    done = run_rules(diamonds(), [shorter])
    assert done.fired == {"shorter": LONG // 2}
    value = X
    for _ in range(LONG):
        value = neg(value)
    assert rewritten(value, two_negations_vanish) is X
