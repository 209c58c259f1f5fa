"use strict";
// Where everything stands: a scope's level gives rows, blocks and ties; sizes depend on which scopes are open.
const SPACE = 18, GAP = 44, PAD = 18, HEAD = 30;

function abscissas(rows, blocks, ties, extents) {
  const count = blocks.reduce((most, block) => Math.max(most, block), -1) + 1;
  const after = Array.from({length: count}, () => new Map());
  const before = Array.from({length: count}, () => new Map());
  for (const row of rows) {
    for (let i = 1; i < row.length; i++) {
      const a = blocks[row[i - 1]], b = blocks[row[i]];
      const gap = extents[row[i - 1]][1] + extents[row[i]][0];
      if (!(after[a].get(b) >= gap)) {
        after[a].set(b, gap);
        before[b].set(a, gap);
      }
    }
  }
  const waiting = before.map(others => others.size), order = [];
  for (let i = 0; i < count; i++) if (!waiting[i]) order.push(i);
  for (let i = 0; i < order.length; i++) {
    for (const other of after[order[i]].keys()) if (!--waiting[other]) order.push(other);
  }
  const left = new Array(count).fill(0), x = new Array(count).fill(0);
  let widest = 0;
  for (const block of order) {
    for (const [other, gap] of before[block]) left[block] = Math.max(left[block], left[other] + gap);
    widest = Math.max(widest, left[block]);
  }
  const right = new Array(count).fill(widest);
  for (let i = count - 1; i >= 0; i--) {
    const block = order[i];
    for (const [other, gap] of after[block]) right[block] = Math.min(right[block], right[other] - gap);
    x[block] = (left[block] + right[block]) / 2;
  }
  const near = Array.from({length: count}, () => []);
  for (const [upper, lower, weight] of ties) {
    const a = blocks[upper], b = blocks[lower];
    if (a !== b) {
      near[a].push([b, weight]);
      near[b].push([a, weight]);
    }
  }
  for (let sweep = 0; sweep < 24; sweep++) {
    for (let i = 0; i < count; i++) {
      const block = order[sweep % 2 ? i : count - 1 - i];
      if (!near[block].length) continue;
      let least = -Infinity, most = Infinity;
      for (const [other, gap] of before[block]) least = Math.max(least, x[other] + gap);
      for (const [other, gap] of after[block]) most = Math.min(most, x[other] - gap);
      x[block] = Math.max(least, Math.min(most, median(near[block].map(([other, weight]) => [x[other], weight]))));
    }
  }
  return blocks.map(block => x[block]);
}

function median(places) {
  places.sort((a, b) => a[0] - b[0]);
  const half = places.reduce((sum, place) => sum + place[1], 0) / 2;
  let passed = 0;
  for (let i = 0; i < places.length; i++) {
    passed += places[i][1];
    if (passed > half) return places[i][0];
    if (passed === half) return (places[i][0] + places[i + 1][0]) / 2;
  }
  return places[places.length - 1][0];
}

// Return a scope's size, and where its members, ports and wires are, from its own left upper corner.
function arrange(graph, number, open) {
  const scope = graph.scopes[number], items = [], inner = new Map();
  for (let i = 0; i < scope.in; i++) items.push({w: 10, h: 0, code: null});
  for (const code of scope.m) {
    if (code >= 0) {
      const box = graph.boxes[code];
      items.push({w: box.w, h: box.h, code, label: box.sw || 0, outputs: (box.y || []).length, ends: box.k === "output"});
    } else if (open.has(~code)) {
      const made = arrange(graph, ~code, open);
      inner.set(code, made);
      items.push({w: made.w, h: made.h, code, made});
    } else {
      const shut = graph.scopes[~code];
      items.push({w: shut.w, h: shut.h, code});
    }
  }
  if (scope.out) items.push({w: 10, h: 0, code: null});
  const extents = scope.blocks.map((_, slot) => {
    if (slot >= items.length) return [7, 7];
    const half = items[slot].w / 2;
    return [half + SPACE / 2, Math.max(half, items[slot].label ? items[slot].label + 6 : 0) + SPACE / 2];
  });
  let x = abscissas(scope.rows, scope.blocks, scope.ties, extents), least = Infinity, most = -Infinity;
  scope.rows.forEach(row => row.forEach(slot => {
    least = Math.min(least, x[slot] - extents[slot][0]);
    most = Math.max(most, x[slot] + extents[slot][1]);
  }));
  const named = number ? 9 * Math.min(scope.t.length, 40) + 40 : 0;
  const w = Math.max(most - least + 2 * PAD, named, 60), shift = (w - (most - least)) / 2 - least;
  x = x.map(place => place + shift);
  const rowOf = new Array(x.length), aside = new Array(scope.rows.length).fill(0);
  scope.rows.forEach((row, i) => row.forEach(slot => { rowOf[slot] = i; }));
  for (const [upper, lower] of scope.ties) {
    aside[rowOf[lower]] = Math.max(aside[rowOf[lower]], Math.abs(x[upper] - x[lower]));
  }
  const bands = [];
  let at = number ? HEAD : PAD;
  scope.rows.forEach((row, i) => {
    const port = row.length && row[0] < scope.in;
    const exit = row.length && scope.out && row[0] === items.length - 1;
    if (i) at += (bands[i - 1].port || exit ? 26 : GAP) + Math.min(90, aside[i] / 9);
    const tall = row.reduce((most, slot) => Math.max(most, slot < items.length ? items[slot].h : 0), 0);
    bands.push({top: at, bottom: at + tall, port});
    at += tall;
  });
  const h = at + (scope.out ? 0 : PAD);
  if (scope.in && bands.length) bands[0].top = 0;
  items.forEach((item, slot) => {
    const band = bands[rowOf[slot]];
    item.x = x[slot] - item.w / 2;
    item.y = item.code === null ? (slot < scope.in ? 0 : h) : (band.top + band.bottom) / 2 - item.h / 2;
  });
  return {number, w, h, items, inner, routes: routesOf(scope, items, x, rowOf, bands), ports: x.slice(0, scope.in),
          exit: scope.out ? x[items.length - 1] : w / 2};
}

function routesOf(scope, items, x, rowOf, bands) {
  const entries = new Map();
  scope.buses.forEach(([source, , targets, bends], number) => targets.forEach((target, i) => {
    const step = rowOf[target] - rowOf[source] - 1;
    if (!entries.has(target)) entries.set(target, []);
    entries.get(target).push({at: x[step ? bends[step - 1] : source], number, i});
  }));
  const place = new Map();
  for (const [target, ends] of entries) {
    ends.sort((a, b) => a.at - b.at || a.number - b.number);
    const item = items[target], reach = Math.max(0, Math.min(item.w / 2 - 12, 12 * ends.length + 16));
    const step = Math.min(14, 2 * reach / Math.max(1, ends.length - 1));
    let low = x[target] - reach;
    ends.forEach((end, i) => {
      const high = x[target] + reach - step * (ends.length - 1 - i);
      const spot = Math.max(low, Math.min(end.at, high));
      low = spot + step;
      place.set(end.number + ":" + end.i, spot);
    });
  }
  return scope.buses.map(([source, key, targets, bends, doors], number) => {
    const item = items[source];
    let out = x[source];
    if (item.made) out = item.x + item.made.exit;
    else if (key === -1) out -= item.w / 4;
    else if (key >= 0 && item.outputs > 1) out += (item.w - 28) * ((key + 0.5) / item.outputs - 0.5);
    const xs = [out, ...bends.map(bend => x[bend])];
    const trunk = [[out, item.y + item.h], [out, bands[rowOf[source]].bottom]];
    bends.forEach((bend, i) => trunk.push([xs[i + 1], bands[rowOf[bend]].top], [xs[i + 1], bands[rowOf[bend]].bottom]));
    const paths = [trunk], tips = [];
    targets.forEach((target, i) => {
      const to = items[target], row = rowOf[target], step = row - rowOf[source] - 1;
      const enters = to.made && doors[i] >= 0;
      const spot = enters ? to.x + to.made.ports[doors[i]] : to.code === null ? x[target] : place.get(number + ":" + i);
      const tip = [spot, to.y];
      paths.push([[xs[step], bands[row - 1].bottom], [spot, Math.min(bands[row].top, to.y)], tip]);
      if (!enters && to.code !== null) tips.push(tip);
    });
    return {source: item.code, key, targets: targets.map(target => items[target].code), paths, tips,
            control: key === -1 || key === -2, label: item.code !== null && item.code >= 0 && item.label ? out : null};
  });
}

function pathOf(points, dx, dy) {
  let [x, y] = points[0], way = "M" + (x + dx).toFixed(1) + " " + (y + dy).toFixed(1);
  for (let i = 1; i < points.length; i++) {
    const [nx, ny] = points[i];
    if (Math.abs(nx - x) < 0.05) {
      if (ny !== y) way += "V" + (ny + dy).toFixed(1);
    } else {
      const middle = ((y + ny) / 2 + dy).toFixed(1);
      way += "C" + (x + dx).toFixed(1) + " " + middle + " " + (nx + dx).toFixed(1) + " " + middle + " " +
             (nx + dx).toFixed(1) + " " + (ny + dy).toFixed(1);
    }
    [x, y] = [nx, ny];
  }
  return way;
}

// Flatten an arrangement into what is drawn, in the plane's own coordinates.
function flatten(graph, made) {
  const boxes = [], routes = [], stack = [[made, 0, 0, 0]];
  while (stack.length) {
    const [level, dx, dy, depth] = stack.pop();
    for (const item of level.items) {
      if (item.code === null) continue;
      const box = {code: item.code, x: dx + item.x, y: dy + item.y, w: item.w, h: item.h, depth, open: !!item.made};
      boxes.push(box);
      if (item.made) stack.push([item.made, box.x, box.y, depth + 1]);
    }
    for (const route of level.routes) {
      const xs = [], ys = [];
      for (const points of route.paths) for (const [x, y] of points) { xs.push(x + dx); ys.push(y + dy); }
      const bounds = xs.reduce((most, x, i) => [Math.min(most[0], x), Math.min(most[1], ys[i]), Math.max(most[2], x),
                                                Math.max(most[3], ys[i])], [Infinity, Infinity, -Infinity, -Infinity]);
      routes.push({route, dx, dy, bounds, depth, scope: level.number});
    }
  }
  boxes.sort((a, b) => a.depth - b.depth);
  return {boxes, routes, w: made.w, h: made.h};
}
