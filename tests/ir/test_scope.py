"""Scopes: prefixes and hints for what is built inside, nothing else, and nothing afterwards."""

import asyncio
from threading import Thread
from typing import Any

import pytest
from tests.ir.operators import add, concat, halves, relu, scaled, tanh

from nnvm.errors import Error
from nnvm.ir import Node, f32, hints, named_input, prefix, variable
from nnvm.ir.scope import OPEN, scope, unscoped

X = named_input("x", f32[4])


def test_prefixes_nest_and_stand_before_given_names() -> None:
    with prefix("net/"):
        a = relu(X, name="a")
        with prefix("layer1/"):
            b, unnamed = relu(X, name="b"), relu(X)
        c, _ = halves(X, name="c")
        w = variable(type=f32[2], name="w")
    assert [each.node.name for each in (a, b, c, w)] == ["net/a", "net/layer1/b", "net/c", "net/w"]
    assert unnamed.node.name is None
    assert relu(X, name="d").node.name == "d"
    with pytest.raises(Error, match="a prefix is text, not 3"):
        prefix(3)  # type: ignore[arg-type]


def test_hints_merge_and_the_inner_and_the_explicit_win() -> None:
    with hints(device="gpu0", layer=1):
        a = relu(X)
        with hints(device="gpu1"):
            b = concat(X, X)
            c = scaled(X, by=3, hints={"device": "cpu"})
            d = add(X, 2.0)
        e = relu(X)
    assert a.node.hints is e.node.hints
    assert a.node.hints == {"device": "gpu0", "layer": 1}
    assert b.node.hints == {"device": "gpu1", "layer": 1}
    assert c.node.hints == {"device": "cpu", "layer": 1}
    assert d.node.inputs[1].node.hints == b.node.hints
    assert relu(X).node.hints == {}


def test_scopes_end_where_the_block_raises() -> None:
    for _ in range(2):
        with pytest.raises(Error, match="the shapes differ"), prefix("p/"), hints(device="gpu1"):
            add(X, named_input("y", f32[5]), name="sum")
    assert not OPEN
    assert (relu(X, name="a").node.name, relu(X).node.hints) == ("a", {})


def test_errors_name_the_node_as_it_is_called() -> None:
    with prefix("p/"), pytest.raises(Error, match="in node 'p/sum'"):
        add(X, named_input("y", f32[5]), name="sum")


def test_unscoped_sets_scopes_aside() -> None:
    with unscoped():
        assert relu(X, name="a").node.name == "a"
    with prefix("p/"):
        with unscoped():
            assert relu(X, name="a").node.name == "a"
            with prefix("q/"):
                assert relu(X, name="a").node.name == "q/a"
        assert relu(X, name="a").node.name == "p/a"


def test_what_exists_and_what_is_made_without_a_call_is_not_touched() -> None:
    before = relu(X, name="a")
    with prefix("p/"), hints(device="gpu1"):
        assert before.node.replace(name="b").name == "b"
        assert Node(relu, (X,), name="n").hints == {}
        assert named_input("x").node.name == "x"


def test_any_function_is_a_scope() -> None:
    seen = []

    def number(op: Any, name: str | None, hints: Any) -> tuple[str | None, Any]:
        seen.append((op, name, dict(hints)))
        return f"{op.name}_{len(seen)}", {**hints, "seen": len(seen)}

    with scope(number):
        made = relu(X, hints={"a": 1})
        with prefix("p/"):
            inner = tanh(X, name="t")
    assert seen == [(relu, None, {"a": 1}), (tanh, "p/t", {})]
    assert (made.node.name, made.node.hints) == ("relu_1", {"a": 1, "seen": 1})
    assert inner.node.name == "tanh_2"


def test_a_scope_decorates_functions() -> None:
    @prefix("block/")
    def block(name: str) -> str | None:
        return relu(X, name=name).node.name

    assert [block("a"), block("b"), relu(X, name="c").node.name] == ["block/a", "block/b", "c"]


def test_a_thread_starts_without_scopes_and_keeps_its_own() -> None:
    names: list[str | None] = []

    def build() -> None:
        names.append(relu(X, name="a").node.name)
        with prefix("t/"):
            names.append(relu(X, name="a").node.name)

    with prefix("p/"):
        thread = Thread(target=build)
        thread.start()
        thread.join()
        names.append(relu(X, name="a").node.name)
    assert names == ["a", "t/a", "p/a"]


def test_a_task_has_the_scopes_of_its_maker_and_keeps_its_own() -> None:
    async def build(own: str) -> list[str | None]:
        names = []
        with prefix(own):
            for _ in range(3):
                names.append(relu(X, name="a").node.name)
                await asyncio.sleep(0)
        return names

    async def both() -> list[list[str | None]]:
        with prefix("p/"):
            return await asyncio.gather(build("q/"), build("r/"))

    assert asyncio.run(both()) == [["p/q/a"] * 3, ["p/r/a"] * 3]
    assert not OPEN
