"""The page."""

import json
import re
import shutil
import subprocess
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from importlib.resources import files

import pytest
from tests.pictures.graphs import chain, hostile, residual, scattered, scoped

from nnvm import Graph, pictures


class Reader(HTMLParser):
    """Collects elements, attributes and what stands in scripts and styles."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.held, self.here = [], [], {}, ("", None)
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        self.here = (tag, dict(attrs).get("type"))

    def handle_data(self, data):
        if self.here[0] in ("script", "style", "title"):
            self.held[self.here] = self.held.get(self.here, "") + data

    def handle_endtag(self, tag):
        self.here = ("", None)

    @property
    def graph(self):
        return json.loads(self.held["script", "application/json"])


def test_it_is_one_file_and_asks_for_nothing():
    text = pictures.html(residual())
    read = Reader(text)
    assert not {"link", "img", "iframe", "object", "embed", "base"} & set(read.tags)
    assert not {"src", "href", "style"} & {name for name, _ in read.attributes}
    assert "@import" not in text
    assert re.findall(r"url\(|fetch\(|XMLHttpRequest|innerHTML|eval\(", text) == []
    assert set(re.findall(r"https?://[^\"'\s]+", text)) == {"http://www.w3.org/2000/svg"}


def test_only_its_own_script_and_style_may_run():
    read = Reader(pictures.html(hostile()))
    policy = next(value for name, value in read.attributes if name == "content" and "default-src" in value)
    assert policy.startswith("default-src 'none';")
    for kind, held in (("script", read.held["script", None]), ("style", read.held["style", None])):
        assert f"{kind}-src 'sha256-{b64encode(sha256(held.encode()).digest()).decode()}'" in policy


def test_hostile_names_are_data():
    text = pictures.html(hostile())
    plain = pictures.html(residual())
    assert Reader(text).tags == Reader(plain).tags
    data = re.search(r'<script type="application/json" id="graph">(.*?)</script>', text, re.DOTALL)
    assert data is not None
    assert not set("<>&") & set(data[1])
    names = [row.get("n", "") for row in json.loads(data[1])["boxes"]]
    assert "</script><script>alert(1)</script>" in names
    text.encode("utf-8")


def test_it_holds_every_box_and_wire():
    graph = Reader(pictures.html(scoped(2))).graph
    assert len(graph["boxes"]) == 32
    assert len(graph["wires"]) == 37
    assert graph["open"] is True
    assert [scope["t"] for scope in graph["scopes"]].count("block0") == 2
    (conv,) = [row for row in Reader(pictures.html(residual())).graph["boxes"] if row["t"] == "conv"]
    assert conv["c"] == [["weight", "w f32 4×4×3×3"]]
    assert conv["y"] == ["f32[1, 4, 8, 8]"]


def test_a_large_graph_starts_closed():
    graph = Reader(pictures.html(chain(1000))).graph
    assert graph["open"] is False
    assert len(graph["scopes"][0]["m"]) <= 85
    assert graph["scopes"][1]["l"][1].endswith("× relu")


def test_the_same_graph_is_the_same_bytes():
    assert pictures.html(scattered(5, 60)) == pictures.html(scattered(5, 60))


def test_an_empty_graph_is_a_page():
    assert Reader(pictures.html(Graph([]))).graph["boxes"] == []


ARRANGED = """
const graph = JSON.parse(require("fs").readFileSync(0, "utf8"));
const answers = [];
for (const open of [new Set([0]), new Set(graph.scopes.map((_, i) => i))]) {
  const scene = flatten(graph, arrange(graph, 0, open));
  answers.push({w: scene.w, h: scene.h, boxes: scene.boxes,
                tips: scene.routes.flatMap(each => each.route.tips.map(([x, y]) => [x + each.dx, y + each.dy])),
                ways: scene.routes.flatMap(each => each.route.paths.map(points => pathOf(points, each.dx, each.dy)))});
}
console.log(JSON.stringify(answers));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node to run the page's script")
@pytest.mark.parametrize("graph", [residual(), scoped(4), scattered(2, 120), scattered(4, 700), Graph([])])
def test_the_script_arranges_without_overlaps(graph):
    read = Reader(pictures.html(graph))
    script = (files("nnvm.pictures") / "arrange.js").read_text(encoding="utf-8") + ARRANGED
    data = read.held["script", "application/json"]
    answer = subprocess.run(["node", "-e", script], input=data, capture_output=True, text=True, check=True)
    shut, whole = json.loads(answer.stdout)
    assert len(shut["boxes"]) == len(read.graph["scopes"][0]["m"])
    assert len(whole["boxes"]) == len(read.graph["boxes"]) + len(read.graph["scopes"]) - 1
    for scene in (shut, whole):
        assert not any("NaN" in way for way in scene["ways"])
        boxes = scene["boxes"]
        for i, a in enumerate(boxes):
            assert a["x"] >= 0
            assert a["x"] + a["w"] <= scene["w"]
            assert a["y"] + a["h"] <= scene["h"]
            for b in boxes[i + 1 :]:
                apart = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
                apart = apart or a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
                assert apart or (a["open"] and a["depth"] < b["depth"])
        tops = [(box["x"], box["x"] + box["w"], box["y"]) for box in boxes]
        for x, y in scene["tips"][:300]:
            assert any(left <= x <= right and abs(y - top) < 0.01 for left, right, top in tops)


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node to read the page's script")
def test_the_script_is_a_script(tmp_path):
    script = Reader(pictures.html(residual())).held["script", None]
    (tmp_path / "page.js").write_text(script, encoding="utf-8")
    subprocess.run(["node", "--check", tmp_path / "page.js"], check=True)
