"""Which candidate is kept: the lowest, the plainest of equals, and none once the bound is met."""

from tests.compile.nets import weights
from tests.compile.test_ordering import wide

from nnvm import ops
from nnvm.analyses.schedule import depth_first, file_order
from nnvm.compile.choice import Choice, height
from nnvm.compile.program import sample_binding
from nnvm.ir import f32, trace
from nnvm.passes.set_dims import set_dims
from nnvm.pipeline import backend, compile
from nnvm.runtime.memory import pack

NUMPY = backend("numpy")


def choice(graph, **options):
    given = {"io": "external", "alignment": 64, "share": True, "accumulate": True, "donate": ()} | options
    return Choice(graph, NUMPY, lambda lowered: sample_binding(lowered, {}), **given)


def test_nothing_is_tried_once_the_bound_is_met():
    found = choice(graph := trace(lambda x: ops.reduce_sum(ops.tanh(x)), x=f32[64]))
    found.try_order(depth_first(graph))
    assert found.is_settled()
    found.try_order(tuple(reversed(depth_first(graph))))  # no order at all, and not looked at
    assert len(found.candidates) == 1


def test_the_planned_order_is_kept_where_it_is_lower():
    graph = trace(wide, x=f32[16, 16])
    given = compile(graph, order=_breadth(graph)).program.meta["plan"]["peak_bytes"]
    found = choice(graph)
    found.try_order(_breadth(graph))
    found.try_planned(2_000)
    assert height(found.plan(pack)) < given
    assert found.best.order == "planned"


def _breadth(graph):
    """Return an order that makes all branches before it uses one."""
    return tuple(sorted(depth_first(graph), key=lambda node: {"tanh": 0, "transpose": 1}.get(node.op.name, 2)))


def test_of_equals_the_first_without_accumulation_is_kept():
    def net(x):
        return ops.reduce_sum(ops.conv(x, weights(4, 4, 1, 1)) + x)

    found = choice(graph := trace(net, x=f32[1, 4, 4, 4]))
    found.try_order(file_order(graph))
    assert found.candidates[1].lowered.steps[0].kernel == "numpy:conv_add/1"
    assert found.best is found.candidates[0]


def test_what_no_bound_settles_a_search_does():
    graph = trace(wide, x=f32[16, 16])
    found = choice(graph)
    found.try_order(file_order(graph))
    before = found.bound
    found.try_planned(20_000)
    assert found.is_settled()
    assert before is not None
    assert found.bound == found.best.live > before


def test_more_is_known_at_one_size_than_at_all():
    graph = trace(wide, x=f32["n", 16])
    plan = compile(graph).program.meta["plan"]
    fixed = compile(set_dims(graph, plan["binding"])).program.meta["plan"]
    assert plan["order_bound_bytes"]["at"] == fixed["order_bound_bytes"] == fixed["peak_bytes"]
    assert (plan["order_status"], fixed["order_status"]) == ("optimal", "optimal")
