"use strict";
// Draws the arena on a canvas: only what is in sight, so that thousands of buffers pan and zoom smoothly.
const plan = JSON.parse(document.getElementById("plan").textContent);
const canvas = document.getElementById("picture"), pen = canvas.getContext("2d");
const tip = document.getElementById("tip"), panel = document.getElementById("panel");
const dark = matchMedia("(prefers-color-scheme: dark)");
const LEFT = 66, BOTTOM = 34, TOP = 44, RIGHT = 14;
const steps = plan.steps.length, rows = plan.buffers;
const top_bytes = Math.max(plan.peak, 1) * 1.04;
let view = null, hover = -1, chosen = -1, found = new Set();

const make = (tag, text, parent, name) => {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (name) made.className = name;
  if (parent) parent.append(made);
  return made;
};
const bytes = (n) => {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let k = 0, x = n;
  while (x >= 1024 && k < 4) { x /= 1024; k++; }
  return (k && x < 100 ? x.toFixed(x < 10 ? 2 : 1) : Math.round(x)) + " " + units[k];
};
const exact = (n) => n.toLocaleString("en-US");
const colour = (family) => (plan.families[family] || plan.families.other)[dark.matches ? 1 : 0];
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name);
const width = () => canvas.clientWidth - LEFT - RIGHT, height = () => canvas.clientHeight - TOP - BOTTOM;
const atX = (t) => LEFT + (t - view.t0) / (view.t1 - view.t0) * width();
const atY = (b) => TOP + height() - (b - view.b0) / (view.b1 - view.b0) * height();
const timeAt = (x) => view.t0 + (x - LEFT) / width() * (view.t1 - view.t0);
const bytesAt = (y) => view.b0 + (TOP + height() - y) / height() * (view.b1 - view.b0);

const whole = () => ({t0: 0, t1: Math.max(steps, 1), b0: 0, b1: top_bytes});

function clamp() {
  const most = whole();
  for (const [low, high, end, least] of [["t0", "t1", most.t1, 1.5], ["b0", "b1", most.b1, 256]]) {
    let span = Math.min(Math.max(view[high] - view[low], Math.min(least, end)), end);
    let start = Math.min(Math.max(view[low], 0), end - span);
    view[low] = start;
    view[high] = start + span;
  }
}

let waiting = false;
function redraw() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => { waiting = false; draw(); });
}

function draw() {
  const scale = devicePixelRatio || 1, wide = canvas.clientWidth, tall = canvas.clientHeight;
  if (canvas.width !== Math.round(wide * scale) || canvas.height !== Math.round(tall * scale)) {
    canvas.width = Math.round(wide * scale);
    canvas.height = Math.round(tall * scale);
  }
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, wide, tall);
  pen.font = "11px Helvetica, Arial, sans-serif";
  grid();
  pen.save();
  pen.beginPath();
  pen.rect(LEFT, TOP, width(), height());
  pen.clip();
  skyline();
  for (let i = 0; i < rows.length; i++) box(i);
  if (chosen >= 0) outline(chosen, css("--ink"), 2.5);
  if (hover >= 0) outline(hover, css("--mark"), 2);
  peakLine();
  pen.restore();
  bounds();
}

function ticks(low, high, count, binary) {
  const raw = (high - low) / count;
  let step = binary ? 2 ** Math.ceil(Math.log2(Math.max(raw, 1))) : Math.max(1, 10 ** Math.floor(Math.log10(raw)));
  if (!binary) for (const k of [1, 2, 5, 10]) if (step * k >= raw) { step *= k; break; }
  const found = [];
  for (let at = Math.ceil(low / step) * step; at <= high; at += step) found.push(at);
  return found;
}

function grid() {
  pen.lineWidth = 1;
  pen.strokeStyle = css("--line");
  pen.fillStyle = css("--dim");
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  for (const b of ticks(view.b0, view.b1, height() / 48, true)) {
    const y = Math.round(atY(b)) + .5;
    pen.beginPath(); pen.moveTo(LEFT, y); pen.lineTo(LEFT + width(), y); pen.stroke();
    pen.fillText(bytes(b), LEFT - 7, y);
  }
  pen.textAlign = "center";
  pen.textBaseline = "top";
  for (const t of ticks(view.t0, view.t1, width() / 80, false)) {
    const x = Math.round(atX(t)) + .5;
    pen.beginPath(); pen.moveTo(x, TOP + height()); pen.lineTo(x, TOP + height() + 4); pen.stroke();
    const half = pen.measureText(String(t)).width / 2;
    pen.fillText(String(t), Math.min(x, canvas.clientWidth - half - 2), TOP + height() + 6);
  }
  pen.textAlign = "right";
  pen.fillText("step", LEFT + width(), TOP + height() + 19);
}

function skyline() {
  const first = Math.max(0, Math.floor(view.t0)), last = Math.min(steps, Math.ceil(view.t1));
  pen.fillStyle = css("--dim");
  pen.globalAlpha = .13;
  pen.beginPath();
  pen.moveTo(atX(first), atY(0));
  for (let t = first; t < last; t++) {
    pen.lineTo(atX(t), atY(plan.live[t]));
    pen.lineTo(atX(t + 1), atY(plan.live[t]));
  }
  pen.lineTo(atX(last), atY(0));
  pen.fill();
  pen.globalAlpha = 1;
}

function place(i) {
  const [, offset, size, first, last] = rows[i];
  return [atX(first), atY(offset + size), atX(last + 1), atY(offset)];
}

function box(i) {
  const [name, , , first, last, , , family] = rows[i];
  if (last + 1 < view.t0 || first > view.t1) return;
  const [x0, y0, x1, y1] = place(i);
  if (y1 < TOP || y0 > TOP + height()) return;
  const w = Math.max(x1 - x0, .7), h = Math.max(y1 - y0, .7);
  const aliased = rows[i][5] !== null, lit = found.size && !found.has(i);
  pen.globalAlpha = lit ? .16 : aliased ? .95 : .85;
  pen.fillStyle = colour(family);
  const gap = w > 5 && h > 4 ? .5 : 0;
  pen.fillRect(x0 + gap, y0 + gap, w - 2 * gap, h - 2 * gap);
  if (aliased && w > 8 && h > 6) {
    pen.globalAlpha = lit ? .2 : .5;
    pen.fillStyle = css("--ground");
    pen.fillRect(x0 + gap, y0 + gap, 2, h - 2 * gap);
  }
  pen.globalAlpha = lit ? .3 : 1;
  const seen = Math.max(x0, LEFT), room = Math.min(atX(rows[i][9]), LEFT + width()) - seen - 8;
  if (room > 22 && h > 13) {
    pen.fillStyle = dark.matches ? "#10141a" : "#fff";
    pen.textAlign = "left";
    pen.textBaseline = "middle";
    let text = name.slice(-Math.ceil(room / 3));
    if (text.length < name.length || pen.measureText(text).width > room) {
      while (text && pen.measureText("…" + text).width > room) text = text.slice(1); // the end tells names apart
      text = "…" + text;
    }
    pen.fillText(text, seen + 5, Math.min(Math.max((y0 + y1) / 2, TOP + 8), TOP + height() - 8));
  }
  pen.globalAlpha = 1;
}

function outline(i, stroke, line) {
  const [x0, y0, x1, y1] = place(i);
  pen.strokeStyle = stroke;
  pen.lineWidth = line;
  pen.strokeRect(x0, y0, Math.max(x1 - x0, 1), Math.max(y1 - y0, 1));
}

function peakLine() {
  if (plan.at < 0) return;
  const x0 = atX(plan.at), x1 = atX(plan.at + 1);
  pen.fillStyle = css("--warn");
  pen.globalAlpha = .16;
  pen.fillRect(x0, TOP, Math.max(x1 - x0, 1.5), height());
  pen.globalAlpha = 1;
}

function bounds() {
  const lines = [["height " + bytes(plan.peak), plan.peak, "--ink", []], ["bound, this order", plan.packing, "--warn", [6, 4]],
    ["bound, any order", plan.order, "--mark", [2, 3]]];
  const groups = new Map();
  for (const [text, at, name, dash] of lines) {
    if (!at) continue;
    const same = groups.get(at);
    if (same) same[0] += " = " + text; else groups.set(at, [text, name, dash]);
  }
  let low = -1e9;
  for (const [at, [text, name, dash]] of [...groups].sort((a, b) => b[0] - a[0])) {
    const y = atY(at);
    if (y < TOP - 1 || y > TOP + height() + 1) continue;
    pen.strokeStyle = pen.fillStyle = css(name);
    pen.lineWidth = 1.5;
    pen.setLineDash(dash);
    pen.beginPath(); pen.moveTo(LEFT, y); pen.lineTo(LEFT + width(), y); pen.stroke();
    pen.setLineDash([]);
    pen.textAlign = "right";
    pen.textBaseline = "bottom";
    const label = Math.max(y - 2, low + 13);
    pen.lineWidth = 3;
    pen.strokeStyle = css("--ground");
    pen.strokeText(text, LEFT + width() - 4, label);
    pen.fillText(text, LEFT + width() - 4, label);
    low = label;
  }
}

function under(x, y) {
  if (x < LEFT || x > LEFT + width() || y < TOP || y > TOP + height()) return -1;
  let best = -1, area = Infinity;
  const t = timeAt(x), b = bytesAt(y);
  for (let i = 0; i < rows.length; i++) {
    const [, offset, size, first, last] = rows[i];
    if (t < first || t >= last + 1 || b < offset || b >= offset + size) continue;
    const its = (last + 1 - first) * size;
    if (its <= area) { best = i; area = its; }
  }
  return best;
}

function facts(i, into) {
  const [name, offset, size, first, last, alias, maker, family, type] = rows[i];
  make("strong", name || "(no name)", into);
  make("div", type + " · " + exact(size) + " bytes (" + bytes(size) + ")", into);
  make("div", "bytes " + exact(offset) + " to " + exact(offset + size), into);
  make("div", "steps " + first + " to " + last + ", made by " + plan.steps[maker][0] + " (" + plan.steps[maker][1] + ")", into);
  if (alias !== null) make("div", "in the bytes of " + plan.names[alias], into);
  make("small", family, into);
}

function explain() {
  panel.replaceChildren();
  if (chosen >= 0) {
    make("h2", "Tensor", panel);
    facts(chosen, make("p", undefined, panel));
    const back = make("button", "Back to the peak", panel);
    back.onclick = () => { chosen = -1; explain(); redraw(); };
    return;
  }
  const told = plan.explained;
  make("h2", "The peak", panel);
  if (plan.at < 0) { make("p", "The arena is empty: nothing is alive between two steps.", panel); return; }
  make("p", exact(told.live_bytes) + " bytes (" + bytes(told.live_bytes) + ") are alive at step " + plan.at + ", " + told.step
    + (told.steps.length > 1 ? ", and at " + (told.steps.length - 1) + " more steps" : "") + ".", panel);
  make("h3", "Alive there", panel);
  const list = make("ol", undefined, panel);
  for (const each of told.alive.slice(0, 40)) {
    const item = make("li", undefined, list);
    make("span", bytes(each.size), item, "size");
    const at = plan.buffer_of[each.name];
    const go = make("button", each.name || "(no name)", item, "go");
    go.onclick = () => { if (at !== undefined) pick(at); };
    const bar = make("i", undefined, item, "bar");
    bar.style.width = Math.max(2, 100 * each.size / told.live_bytes) + "%";
    bar.style.background = at === undefined ? css("--dim") : colour(rows[at][7]);
    make("small", "made by " + each.made_by + (each.next_read ? ", next read by " + each.next_read : ", read here for the last time")
      + (each.used ? "" : "; not used here"), item);
  }
  if (told.alive.length > 40) make("p", "and " + (told.alive.length - 40) + " more", panel);
  make("h3", "What would lower it", panel);
  const ways = make("ul", undefined, panel);
  for (const each of told.remedies) make("li", each.text, ways);
  if (!told.remedies.length) make("p", "Nothing that is known.", panel);
  make("h3", "Figures", panel);
  const more = make("ul", undefined, panel);
  for (const [key, value] of plan.figures) {
    const item = make("li", undefined, more);
    make("span", value, item, "size");
    make("span", key, item);
  }
}

function pick(i) {
  chosen = i;
  const [, offset, size, first, last] = rows[i];
  const out = offset + size < view.b0 || offset > view.b1 || last + 1 < view.t0 || first > view.t1;
  if (out) view = whole();
  explain();
  redraw();
}

function zoom(factor, x, y, both) {
  const t = timeAt(x), b = bytesAt(y);
  view.t0 = t - (t - view.t0) * factor;
  view.t1 = t + (view.t1 - t) * factor;
  if (both) {
    view.b0 = b - (b - view.b0) * factor;
    view.b1 = b + (view.b1 - b) * factor;
  }
  clamp();
  redraw();
}
const middle = () => [LEFT + width() / 2, TOP + height() / 2];
function toPeak() {
  if (plan.at < 0) return;
  const span = Math.min(Math.max(12, steps / 20), steps);
  view = {...whole(), t0: plan.at + .5 - span / 2, t1: plan.at + .5 + span / 2};
  chosen = -1;
  clamp(); explain(); redraw();
}

let held = null;
canvas.addEventListener("pointerdown", (event) => {
  held = {x: event.offsetX, y: event.offsetY, view: {...view}, moved: false};
  canvas.setPointerCapture(event.pointerId);
});
canvas.addEventListener("pointermove", (event) => {
  const x = event.offsetX, y = event.offsetY;
  if (held) {
    const dx = x - held.x, dy = y - held.y;
    held.moved = held.moved || Math.abs(dx) + Math.abs(dy) > 4;
    if (held.moved) {
      canvas.classList.add("held");
      const t = dx / width() * (held.view.t1 - held.view.t0), b = dy / height() * (held.view.b1 - held.view.b0);
      view = {t0: held.view.t0 - t, t1: held.view.t1 - t, b0: held.view.b0 + b, b1: held.view.b1 + b};
      clamp(); redraw();
    }
  }
  const now = held && held.moved ? -1 : under(x, y);
  tip.hidden = now < 0;
  if (now >= 0) {
    if (now !== hover) { tip.replaceChildren(); facts(now, tip); }
    const room = document.getElementById("stage");
    tip.style.left = Math.max(4, Math.min(x + 14, room.clientWidth - tip.offsetWidth - 6)) + "px";
    tip.style.top = (y + 18 + tip.offsetHeight > room.clientHeight ? Math.max(4, y - tip.offsetHeight - 10) : y + 18) + "px";
  }
  if (now !== hover) { hover = now; redraw(); }
});
canvas.addEventListener("pointerup", (event) => {
  if (held && !held.moved) { chosen = under(event.offsetX, event.offsetY); explain(); redraw(); }
  held = null;
  canvas.classList.remove("held");
});
canvas.addEventListener("pointercancel", () => { held = null; canvas.classList.remove("held"); });
canvas.addEventListener("pointerleave", () => { tip.hidden = true; hover = -1; redraw(); });
canvas.addEventListener("wheel", (event) => {
  event.preventDefault();
  zoom(Math.exp(Math.max(-60, Math.min(60, event.deltaY)) / 240), event.offsetX, event.offsetY, !event.shiftKey);
}, {passive: false});
canvas.addEventListener("dblclick", (event) => zoom(.4, event.offsetX, event.offsetY, true));
const search = document.getElementById("search");
search.addEventListener("input", () => {
  const wanted = search.value.trim().toLowerCase();
  found = new Set();
  if (wanted) rows.forEach((row, i) => { if (row[0].toLowerCase().includes(wanted)) found.add(i); });
  redraw();
});
search.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && found.size) pick([...found][0]);
  if (event.key === "Escape") { search.value = ""; found = new Set(); canvas.focus(); redraw(); }
});
const keys = {
  f: () => { view = whole(); redraw(); }, p: toPeak, "+": () => zoom(.7, ...middle(), true), "=": () => zoom(.7, ...middle(), true),
  "-": () => zoom(1.4, ...middle(), true), "/": () => search.focus(),
  ArrowLeft: () => pan(-.15, 0), ArrowRight: () => pan(.15, 0), ArrowUp: () => pan(0, .15), ArrowDown: () => pan(0, -.15),
};
function pan(right, up) {
  const t = (view.t1 - view.t0) * right, b = (view.b1 - view.b0) * up;
  view = {t0: view.t0 + t, t1: view.t1 + t, b0: view.b0 + b, b1: view.b1 + b};
  clamp(); redraw();
}
addEventListener("keydown", (event) => {
  if (event.target === search || event.ctrlKey || event.metaKey || event.altKey) return;
  const act = keys[event.key];
  if (act) { event.preventDefault(); act(); }
});
document.getElementById("fit").onclick = keys.f;
document.getElementById("peak").onclick = toPeak;
document.getElementById("near").onclick = keys["+"];
document.getElementById("away").onclick = keys["-"];
document.getElementById("title").textContent = plan.title;
function figures() {
  const into = document.getElementById("figures");
  for (const [key, value, good] of plan.header) {
    const each = make("div", undefined, into);
    make("dt", key, each);
    make("dd", value, each, good ? "good" : "");
  }
}
function legend() {
  const into = document.getElementById("legend");
  into.replaceChildren();
  for (const family of Object.keys(plan.families)) {
    if (!rows.some((row) => row[7] === family)) continue;
    const item = make("li", undefined, into);
    make("i", undefined, item).style.background = colour(family);
    item.append(family);
  }
  const item = make("li", undefined, into);
  const grey = make("i", undefined, item);
  grey.style.background = css("--dim");
  grey.style.opacity = .25;
  item.append("bytes alive");
}
dark.addEventListener("change", () => { legend(); explain(); redraw(); });
new ResizeObserver(redraw).observe(canvas);
view = whole();
figures(); legend(); explain(); redraw();
