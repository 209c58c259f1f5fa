"""The page of a plan: it is whole, asks nobody for anything, and holds names as data."""

import json
import re

from tests.runtime.toy import ping_pong, program

from nnvm import ops
from nnvm.ir import f32, trace
from nnvm.pictures import plan_html
from nnvm.pictures.plan import content, drawn, family_of
from nnvm.pipeline import compile
from nnvm.runtime.lives import Lives
from nnvm.runtime.program import Buffer, Step


def net():
    return compile(trace(lambda x: ops.reduce_sum(ops.exp(ops.transpose(ops.tanh(x)))), x=f32[8, 8])).program


def test_the_page_is_whole_and_closed():
    page = plan_html(net(), "a net")
    assert page.startswith("<!DOCTYPE html>")
    assert "{{" not in page.split("<script type")[0]
    assert "default-src 'none'" in page
    assert not re.search(r"""(src|href)\s*=|https?://|@import|url\(""", page)
    data = json.loads(re.search(r'<script type="application/json" id="plan">(.*?)</script>', page, re.S)[1])
    assert data["title"] == "a net"
    assert data["peak"] == 512
    assert [row[7] for row in data["buffers"]] == ["activation", "shape", "arithmetic"]
    assert data["explained"]["live_bytes"] == 512


def test_names_are_data_and_never_markup():
    evil = "</script><script>alert(1)</script>"
    buffers = [Buffer("input", "uint8", (4,), name="x"), Buffer("arena", "uint8", (4,), 0, name=evil),
               Buffer("output", "uint8", (4,), name="y")]  # fmt: skip
    made = program(buffers, [Step("toy:neg/1", [0], [1], name=evil), Step("toy:neg/1", [1], [2])], [0], [2], peak=64)
    page = plan_html(made, evil)
    assert "<script>alert" not in page
    assert page.count("</script>") == 2


def test_what_has_bytes_of_its_own_is_drawn_below_what_lies_in_it():
    lives = Lives(net())
    assert [life.root == life.number for life in drawn(lives)] == [True, True, False]
    assert content(lives, "t")["buffers"][1][9] == 2  # its name ends where the next is drawn over it


def test_kernels_have_the_family_of_their_operator():
    kernels = ("numpy:conv_add/1", "numpy:slice_array/1", "numpy:sized_reshape/1", "toy:conv/1", "numpy:what/1", "x")
    assert [family_of(each) for each in kernels] == ["network", "shape", "shape", "network", "other", "other"]


def test_thousands_of_buffers_and_none():
    assert len(plan_html(ping_pong(5_000), binding={"n": 2})) < 5_000_000
    assert "The arena is empty" in plan_html(ping_pong(0), binding={"n": 2})
    assert plan_html(net()) == plan_html(net())
