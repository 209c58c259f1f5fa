// What is seen: the picture, its panel, its search. Text from the graph goes in as text nodes, never as markup.
if (typeof document !== "undefined") start();

function start() {
  const graph = JSON.parse(document.getElementById("graph").textContent);
  const NS = "http://www.w3.org/2000/svg", MOST_OPEN = 3000, MOST_FOUND = 60;
  const by = id => document.getElementById(id);
  const svg = by("picture"), world = by("world"), panel = by("panel"), search = by("search"), found = by("found");
  const open = new Set([0]);
  const home = new Map();
  graph.scopes.forEach((scope, number) => scope.m.forEach(code => home.set(code, number)));
  const incoming = graph.boxes.map(() => []), outgoing = graph.boxes.map(() => []);
  graph.wires.forEach(([source, output, target, port]) => {
    incoming[target].push([source, output, port]);
    outgoing[source].push([target, output, port]);
  });
  let scene, view = {x: 0, y: 0, k: 1}, chosen = null, queued = false, drawn = "";

  function make(parent, name, attributes, text) {
    const element = document.createElementNS(NS, name);
    for (const key in attributes) element.setAttribute(key, attributes[key]);
    if (text !== undefined) element.textContent = text;
    parent.appendChild(element);
    return element;
  }

  function tag(parent, name, text, kind) {
    const element = document.createElement(name);
    if (text !== undefined) element.textContent = text;
    if (kind) element.className = kind;
    parent.appendChild(element);
    return element;
  }

  // A change of what is open keeps `code` where it is on the screen.
  function settle(code) {
    const before = code === undefined ? null : boxOf(code);
    scene = flatten(graph, arrange(graph, 0, open));
    const after = code === undefined ? null : boxOf(code);
    if (before && after) {
      view.x += (before.x + before.w / 2 - after.x - after.w / 2) * view.k;
      view.y += (before.y - after.y) * view.k;
    }
    drawn = "";
    draw();
  }

  function boxOf(code) {
    return scene ? scene.boxes.find(box => box.code === code) : null;
  }

  function draw() {
    if (queued) return;
    queued = true;
    requestAnimationFrame(() => { queued = false; paint(); });
  }

  // Only what lies in view, and a margin around it, is in the document; far away, words are left out.
  function paint() {
    world.setAttribute("transform", `translate(${view.x} ${view.y}) scale(${view.k})`);
    const wide = svg.clientWidth, tall = svg.clientHeight, step = 400 / view.k;
    const left = Math.floor(-view.x / view.k / step) * step - step, top = Math.floor(-view.y / view.k / step) * step - step;
    const right = left + Math.ceil(wide / view.k / step + 3) * step, bottom = top + Math.ceil(tall / view.k / step + 3) * step;
    const detail = view.k > 0.42 ? 2 : view.k > 0.16 ? 1 : 0;
    const now = [left, top, right, bottom, detail, chosen].join();
    if (now === drawn) return;
    drawn = now;
    const fresh = document.createDocumentFragment();
    const seen = (x0, y0, x1, y1) => x1 >= left && x0 <= right && y1 >= top && y0 <= bottom;
    const kept = scene.boxes.filter(box => seen(box.x, box.y, box.x + box.w, box.y + box.h));
    for (const box of kept) if (box.open) paintScope(fresh, box, detail);
    const labels = [];
    for (const each of scene.routes) {
      const [x0, y0, x1, y1] = each.bounds;
      if (seen(x0, y0, x1, y1)) paintRoute(fresh, each, detail, labels);
    }
    for (const box of kept) if (!box.open) (box.code < 0 ? paintScope : paintBox)(fresh, box, detail);
    for (const [x, y, text] of labels) make(fresh, "text", {class: "label", x, y}, text);
    world.setAttribute("class", detail ? "" : "far");
    world.replaceChildren(fresh);
  }

  function frame(parent, box, kind, round) {
    const group = make(parent, "g", {
      class: kind + (box.code === chosen ? " chosen" : ""), transform: `translate(${box.x} ${box.y})`, "data-code": box.code,
    });
    make(group, "rect", {class: "frame", width: box.w, height: box.h, rx: round});
    make(group, "rect", {class: "tint", width: box.w, height: box.h, rx: round});
    return group;
  }

  function paintScope(parent, box, detail) {
    const scope = graph.scopes[~box.code];
    const group = frame(parent, box, "box other scope " + (box.open ? "open" : "shut"), 9);
    if (!detail) return;
    if (box.open) {
      const title = make(group, "text", {class: "title", x: 12, y: 19}, "− " + scope.t);
      title.style.textAnchor = "start";
      return;
    }
    make(group, "text", {class: "title", x: box.w / 2, y: 17}, scope.t.length > 30 ? scope.t.slice(0, 29) + "…" : scope.t);
    if (detail > 1) scope.l.forEach((line, i) => make(group, "text", {class: "dim", x: box.w / 2, y: 33 + 15 * i}, line));
    make(group, "text", {class: "dim", x: box.w - 10, y: 15}, "+");
  }

  function paintBox(parent, box, detail) {
    const row = graph.boxes[box.code], ends = row.k !== "node";
    const group = frame(parent, box, "box " + row.f, ends ? Math.min(box.h / 2, 18) : 5);
    if (row.d !== undefined) {
      group.firstChild.style.stroke = graph.devices[row.d];
      group.firstChild.style.strokeWidth = 3.5;
    }
    if (!ends) make(group, "rect", {class: "bar", width: 5, height: box.h, rx: 2.5});
    if (detail) make(group, "text", {class: "title", x: box.w / 2, y: 17}, row.t);
    if (detail > 1) (row.l || []).forEach((line, i) => make(group, "text", {class: "dim", x: box.w / 2, y: 33 + 15 * i}, line));
  }

  function paintRoute(parent, {route, dx, dy}, detail, labels) {
    const lit = chosen !== null && (route.source === chosen || route.targets.includes(chosen)) ? " lit" : "";
    const way = route.paths.map(points => pathOf(points, dx, dy)).join("");
    make(parent, "path", {class: "wire" + (route.control ? " control" : "") + lit, d: way});
    if (detail && route.tips.length) {
      const tips = route.tips.map(([x, y]) => `M${x + dx} ${y + dy}l-3.5 -7h7z`).join("");
      make(parent, "path", {class: "tip" + lit, d: tips});
    }
    if (detail > 1 && route.label !== null) {
      const [x, y] = route.paths[0][0];
      labels.push([x + dx + 5, y + dy + 12, graph.boxes[route.source].s]);
    }
  }

  function fit() {
    const k = Math.min(1.2, (svg.clientWidth - 40) / scene.w, (svg.clientHeight - 40) / scene.h);
    view = {k, x: (svg.clientWidth - scene.w * k) / 2, y: Math.max(20, (svg.clientHeight - scene.h * k) / 2)};
    draw();
  }

  // A tall picture begins at its top, wide enough to be read.
  function begin() {
    fit();
    if (view.k < 0.6) {
      const k = Math.min(1, Math.max(0.6, (svg.clientWidth - 40) / scene.w));
      const first = scene.boxes.filter(box => box.depth === 0).reduce((a, b) => b.y < a.y ? b : a);
      view = {k, x: svg.clientWidth / 2 - (first.x + first.w / 2) * k, y: 20};
      draw();
    }
  }

  function zoom(factor, x, y) {
    const k = Math.min(4, Math.max(0.004, view.k * factor)), real = k / view.k;
    view = {k, x: x - (x - view.x) * real, y: y - (y - view.y) * real};
    draw();
  }

  function center(box) {
    const k = Math.max(view.k, 0.8);
    view = {k, x: svg.clientWidth / 2 - (box.x + box.w / 2) * k, y: svg.clientHeight / 2 - (box.y + Math.min(box.h, 400) / 2) * k};
    draw();
  }

  function toggle(number) {
    if (open.has(number)) open.delete(number);
    else open.add(number);
    settle(~number);
  }

  function reveal(code) {
    let changed = false;
    for (let at = home.get(code); at; at = graph.scopes[at].up) {
      if (!open.has(at)) changed = open.add(at);
    }
    if (changed) settle();
    choose(code);
    const box = boxOf(code);
    if (box) center(box);
  }

  function choose(code) {
    chosen = code;
    tell();
    draw();
  }

  function nameOf(code) {
    const row = graph.boxes[code];
    return row.n && row.n !== row.t ? row.t + "  " + row.n : row.t;
  }

  function pairs(title, rows) {
    if (!rows || !rows.length) return;
    tag(panel, "h3", title);
    const list = tag(panel, "dl");
    for (const [key, text] of rows) {
      tag(list, "dt", key);
      tag(list, "dd", text);
    }
  }

  function links(title, rows) {
    if (!rows.length) return;
    tag(panel, "h3", title);
    const list = tag(panel, "ul");
    for (const [code, before, type] of rows.slice(0, 200)) {
      const item = tag(list, "li");
      if (before) tag(item, "small", before + "  ");
      tag(item, "button", nameOf(code), "go").onclick = () => reveal(code);
      if (type) tag(item, "small", "  " + type);
    }
    if (rows.length > 200) tag(list, "li", `and ${rows.length - 200} more`);
  }

  function tell() {
    panel.replaceChildren();
    panel.hidden = chosen === null;
    if (chosen === null) return;
    tag(panel, "button", "×", "shut").onclick = () => choose(null);
    if (chosen < 0) return tellScope(~chosen);
    const row = graph.boxes[chosen];
    tag(panel, "h2", row.t);
    tag(panel, "small", row.k === "node" ? row.n || "" : row.k);
    const type = (code, output) => output === null ? "" : (graph.boxes[code].y || [])[output] || "";
    links("Inputs", incoming[chosen].map(([code, output, port]) => [code, port, type(code, output)]));
    pairs("Held", row.c);
    pairs("Params", row.p);
    if (row.k !== "output") pairs("Types", (row.y || []).map((each, i) => ["output " + i, each || "not known"]));
    links("Used by", outgoing[chosen].map(([code, output, port]) => [code, output === null ? "after" : row.y.length > 1 ? "output " + output : "", port]));
    if (row.d !== undefined) pairs("Device", [["runs on", row.d]]);
    pairs("Hints", row.x);
    around(home.get(chosen));
  }

  function tellScope(number) {
    const scope = graph.scopes[number];
    tag(panel, "h2", scope.t);
    tag(panel, "small", "scope");
    tag(panel, "p", scope.l.join(", "));
    tag(panel, "button", open.has(number) ? "Close it" : "Open it").onclick = () => { toggle(number); tell(); };
    around(scope.up, number);
  }

  function around(number) {
    const path = [];
    for (let at = number; at; at = graph.scopes[at].up) path.push(at);
    if (!path.length) return;
    tag(panel, "h3", "Within");
    const list = tag(panel, "ul");
    for (const each of path.reverse()) {
      tag(tag(list, "li"), "button", graph.scopes[each].t, "go").onclick = () => reveal(~each);
    }
  }

  let hits = [], at = -1;
  function look() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    hits = [];
    at = -1;
    if (words.length) {
      for (let code = 0; code < graph.boxes.length && hits.length < MOST_FOUND; code++) {
        const text = (graph.boxes[code].t + " " + (graph.boxes[code].n || "")).toLowerCase();
        if (words.every(word => text.includes(word))) hits.push(code);
      }
    }
    found.replaceChildren();
    found.hidden = !words.length;
    for (const code of hits) {
      const item = tag(found, "li");
      tag(item, "span", graph.boxes[code].t + "  ");
      tag(item, "small", graph.boxes[code].n || graph.boxes[code].k);
      item.onclick = () => { found.hidden = true; reveal(code); };
    }
    if (words.length && !hits.length) tag(found, "li", "nothing has such a name");
    if (hits.length === MOST_FOUND) tag(found, "li", "… the first " + MOST_FOUND + "; say more to see others");
  }

  search.oninput = look;
  search.onfocus = () => { if (search.value) look(); };
  search.onkeydown = event => {
    if (event.key === "Enter" && hits.length) {
      found.hidden = true;
      reveal(hits[Math.max(0, at)]);
    } else if (event.key === "Escape") {
      found.hidden = true;
      search.blur();
    } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && hits.length) {
      event.preventDefault();
      at = (at + (event.key === "ArrowDown" ? 1 : hits.length - 1) + hits.length) % hits.length;
      [...found.children].forEach((item, i) => item.classList.toggle("at", i === at));
      found.children[at].scrollIntoView({block: "nearest"});
    }
  };

  const held = new Map();
  let moved = 0;
  svg.onwheel = event => {
    event.preventDefault();
    const area = svg.getBoundingClientRect();
    if (event.shiftKey) {
      view.x -= event.deltaY + event.deltaX;
      draw();
    } else {
      const lines = event.deltaMode ? 30 : 1;
      zoom(Math.exp(-Math.max(-240, Math.min(240, event.deltaY * lines)) / 400), event.clientX - area.left, event.clientY - area.top);
    }
  };
  svg.onpointerdown = event => {
    held.set(event.pointerId, [event.clientX, event.clientY]);
    moved = held.size > 1 ? 99 : 0;
    found.hidden = true;
    svg.classList.add("held");
  };
  svg.onpointermove = event => {
    const last = held.get(event.pointerId);
    if (!last) return;
    const here = [event.clientX, event.clientY], dx = here[0] - last[0], dy = here[1] - last[1];
    moved += Math.abs(dx) + Math.abs(dy);
    if (moved > 5 && !svg.hasPointerCapture(event.pointerId)) svg.setPointerCapture(event.pointerId);
    if (held.size === 2) {
      const other = [...held].find(([id]) => id !== event.pointerId)[1];
      const area = svg.getBoundingClientRect(), apart = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);
      view.x += dx / 2;
      view.y += dy / 2;
      zoom(Math.max(1, apart(here, other)) / Math.max(1, apart(last, other)), (here[0] + other[0]) / 2 - area.left, (here[1] + other[1]) / 2 - area.top);
    } else if (moved > 5) {
      view.x += dx;
      view.y += dy;
      draw();
    }
    held.set(event.pointerId, here);
  };
  svg.onpointerup = svg.onpointercancel = event => {
    held.delete(event.pointerId);
    if (!held.size) svg.classList.remove("held");
  };
  svg.onclick = event => {
    if (moved > 5) return;
    const group = event.target.closest("[data-code]");
    if (!group) return choose(null);
    const code = Number(group.dataset.code);
    if (code < 0) {
      chosen = code;
      toggle(~code);
    }
    choose(code);
  };
  document.onkeydown = event => {
    if (event.target === search || event.ctrlKey || event.metaKey || event.altKey) return;
    const middle = [svg.clientWidth / 2, svg.clientHeight / 2];
    const pan = {ArrowLeft: [80, 0], ArrowRight: [-80, 0], ArrowUp: [0, 80], ArrowDown: [0, -80]}[event.key];
    if (event.key === "/") { event.preventDefault(); search.focus(); }
    else if (event.key === "f") fit();
    else if (event.key === "+" || event.key === "=") zoom(1.3, ...middle);
    else if (event.key === "-") zoom(1 / 1.3, ...middle);
    else if (event.key === "Escape") choose(null);
    else if (pan) { view.x += pan[0]; view.y += pan[1]; draw(); }
  };
  by("fit").onclick = fit;
  by("near").onclick = () => zoom(1.4, svg.clientWidth / 2, svg.clientHeight / 2);
  by("away").onclick = () => zoom(1 / 1.4, svg.clientWidth / 2, svg.clientHeight / 2);
  by("open").disabled = graph.boxes.length > MOST_OPEN || graph.scopes.length < 2;
  if (graph.boxes.length > MOST_OPEN) by("open").title = `There are ${graph.boxes.length} boxes: open the scopes you need`;
  by("open").onclick = () => { graph.scopes.forEach((_, number) => open.add(number)); settle(); begin(); };
  by("close").disabled = graph.scopes.length < 2;
  by("close").onclick = () => { open.clear(); open.add(0); settle(); begin(); };
  window.onresize = draw;

  by("title").textContent = graph.title;
  const used = new Set(graph.boxes.map(row => row.f));
  for (const family of graph.families) {
    if (!used.has(family)) continue;
    const item = tag(by("legend"), "li");
    tag(item, "i", "", family);
    item.append(family);
  }
  for (const device in graph.devices) {
    const item = tag(by("legend"), "li");
    tag(item, "i").style.background = graph.devices[device];
    item.append("on " + device);
  }
  if (graph.open) graph.scopes.forEach((_, number) => open.add(number));
  settle();
  begin();
}
