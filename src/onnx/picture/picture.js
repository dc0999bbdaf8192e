'use strict';
// Blocks first; a double click shows a block's nodes. Text of the model only ever becomes text nodes.
const model = JSON.parse(document.getElementById('data').textContent);
const byId = id => document.getElementById(id);
const svg = byId('canvas'), panel = byId('panel'), search = byId('search'), found = byId('found');
const W = 132, H = 44;
let view = { x: 0, y: 0, w: 1000, h: 600 }, bounds = view, open = -1, boxes = [], edges = [], chosen = null;

const short = n => n >= 1e9 ? (n / 1e9).toFixed(2) + ' G' : n >= 1e6 ? (n / 1e6).toFixed(2) + ' M'
  : n >= 1e3 ? (n / 1e3).toFixed(1) + ' k' : String(n);
const share = n => model.flops ? (100 * n / model.flops).toFixed(1) + ' %' : '';
const shapeText = t => t[2] === null ? '?' : t[2].length ? t[2].join('\u00d7') : 'scalar';
const cut = (text, n) => text.length > n ? text.slice(0, n - 1) + '\u2026' : text;
const label = node => node.name || node.op + ' (unnamed)';

const producer = new Map(), readers = new Map();
model.nodes.forEach((node, i) => {
  node.out.forEach(t => producer.set(t, i));
  node.in.forEach(t => readers.has(t) ? readers.get(t).push(i) : readers.set(t, [i]));
});
const members = model.blocks.map(() => []);
model.nodes.forEach((node, i) => members[node.block].push(i));

// Pairs of blocks that a tensor goes between.
function blockEdges() {
  const seen = new Map();
  model.nodes.forEach((node, i) => node.in.forEach(t => {
    if (!producer.has(t)) return;
    const from = model.nodes[producer.get(t)].block;
    if (from !== node.block) seen.set(from + ' ' + node.block, { from, to: node.block, tensor: t });
  }));
  return [...seen.values()];
}

// Rows by longest path from above; in a row, boxes stand below the mean of what they read.
function layered(count, links) {
  const layer = new Array(count).fill(0), x = new Array(count).fill(0), parents = Array.from({ length: count }, () => []);
  links.filter(l => l.from < l.to).sort((a, b) => a.to - b.to || a.from - b.from).forEach(l => {
    layer[l.to] = Math.max(layer[l.to], layer[l.from] + 1);
    parents[l.to].push(l.from);
  });
  const rows = [];
  layer.forEach((l, i) => (rows[l] = rows[l] || []).push(i));
  rows.forEach(row => {
    const wish = new Map(row.map((i, k) => [i, parents[i].length ? parents[i].reduce((s, p) => s + x[p], 0) / parents[i].length : k * (W + 26)]));
    row.sort((a, b) => wish.get(a) - wish.get(b) || a - b);
    let last = -Infinity, shift = 0;
    row.forEach(i => { x[i] = Math.max(wish.get(i), last + W + 26); last = x[i]; shift += x[i] - wish.get(i); });
    row.forEach(i => { x[i] -= shift / row.length; });
  });
  return layer.map((l, i) => ({ x: x[i], y: l * (H + 34) }));
}

// Height of the feature map that a block makes: of its last spatial tensor; 0 where there is none.
function heightOf(block) {
  for (const i of [...members[block]].reverse()) {
    for (const t of model.nodes[i].out) {
      const shape = model.tensors[t][2];
      if (shape && shape.length === 4 && Number(shape[2]) > 1 && model.nodes[i].op !== 'Transpose') return Number(shape[2]);
    }
  }
  return 0;
}

// EfficientDet as its paper draws it: the backbone's stages as rows, smallest map on top, then the
// feature network's cells, each in a column per direction, then the heads.
function pyramid() {
  const height = model.blocks.map((_, i) => heightOf(i));
  const kind = model.blocks.map(b => /^fpn cell/.test(b.name) ? 'fpn' : /^(class|box)_net|^postprocess/.test(b.name) ? 'head'
    : b.name === 'preprocess' ? 'pre' : 'backbone');
  const rows = [...new Set(height.filter((h, i) => h && (kind[i] === 'backbone' || kind[i] === 'fpn')))].sort((a, b) => a - b);
  const place = [], stages = rows.map(() => []);
  let stage = 0;
  model.blocks.forEach((_, i) => {
    if (kind[i] !== 'backbone') return;
    if (height[i]) stage = rows.indexOf(height[i]);
    stages[stage].push(i);
  });
  const wide = Math.max(...stages.map(s => s.length)), dx = W + 34, dy = H + 66;
  stages.forEach((s, r) => s.forEach((i, k) => { place[i] = { x: (wide - s.length + k) * dx, y: r * dy }; }));
  const start = wide * dx + 30, cells = new Map();
  let column = -1, previous = 0, cell = null, up = null;
  model.blocks.forEach((b, i) => {
    if (kind[i] !== 'fpn') return;
    cells.set(b.name.split(' ')[2], (cells.get(b.name.split(' ')[2]) || []).concat(i));
  });
  for (const list of cells.values()) {
    list.sort((a, b) => Number(model.blocks[a].name.split(' ')[4]) - Number(model.blocks[b].name.split(' ')[4]));
    for (const i of list) {
      const now = model.blocks[i].name.split(' ')[2], rising = height[i] < previous;
      if (now !== cell) { column++; up = null; } else if (up === null) up = rising; else if (rising !== up) { column++; up = rising; }
      place[i] = { x: start + column * dx, y: rows.indexOf(height[i]) * dy };
      cell = now; previous = height[i];
    }
  }
  const end = start + (column + 1) * dx + 40, middle = (rows.length - 1) * dy / 2;
  let after = 0;
  model.blocks.forEach((b, i) => {
    if (b.name === 'class_net') place[i] = { x: end, y: middle - dy };
    else if (b.name === 'box_net') place[i] = { x: end, y: middle + dy };
    else if (kind[i] === 'pre') place[i] = { x: Math.min(...stages[rows.length - 1].map(k => place[k].x)) - dx, y: (rows.length - 1) * dy };
    else if (kind[i] === 'head') place[i] = { x: end + dx, y: middle + dy * after++ };
  });
  return { place: model.blocks.map((_, i) => place[i] || { x: 0, y: -dy }), rows: rows.map((h, r) => ({ y: r * dy, text: 'height ' + h })) };
}

const tints = ['#a5d8ff', '#b2f2bb', '#ffec99', '#fcc2d7', '#d0bfff', '#ffd8a8', '#99e9f2', '#dee2e6'];
const tintOfBlock = name => /^fpn|^resample/.test(name) ? 1 : /^class/.test(name) ? 3 : /^box/.test(name) ? 4 : /process$/.test(name) ? 7 : 0;
const tintOfOp = op => /Conv|Gemm|MatMul/.test(op) ? 0 : /Pool|Reduce/.test(op) ? 1 : /Sigmoid|Relu|Tanh|Clip|Swish|Softmax/.test(op) ? 2
  : /Resize|Upsample/.test(op) ? 6 : /Normalization/.test(op) ? 4 : /^(Add|Mul|Sub|Div|Sum)$/.test(op) ? 5 : /::|NonMax|NMS|TRT/.test(op) ? 3 : 7;

function fill(box) {
  const mode = byId('colour').value;
  if (mode === 'kind') return tints[box.tint];
  const most = Math.max(1, ...boxes.map(b => b.item ? b.item[mode] || 0 : 0)), part = Math.sqrt((box.item[mode] || 0) / most);
  return `hsl(${48 - 40 * part} ${40 + 55 * part}% ${93 - 37 * part}%)`;
}

function make(tag, attributes, text) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

function curve(a, b) {
  const dx = b.x - a.x, dy = b.y - a.y;
  if (Math.abs(dx) < W * 0.9 || (open >= 0 && dy > H)) {
    const s = dy >= 0 ? 1 : -1, y1 = a.y + s * H / 2, y2 = b.y - s * H / 2, bend = Math.abs(dy) > H + 60 && Math.abs(dx) < 8 ? W * 0.75 : 0;
    return `M${a.x} ${y1}C${a.x + bend} ${y1 + s * 26} ${b.x + bend} ${y2 - s * 26} ${b.x} ${y2}`;
  }
  const s = dx >= 0 ? 1 : -1, x1 = a.x + s * W / 2, x2 = b.x - s * W / 2, d = Math.min(90, Math.abs(x2 - x1) / 2 + 12);
  const bow = Math.abs(dy) < 8 && Math.abs(dx) > 1.6 * W ? -H * 0.95 : 0;
  return `M${x1} ${a.y}C${x1 + s * d} ${a.y + bow} ${x2 - s * d} ${b.y + bow} ${x2} ${b.y}`;
}

function draw(rows) {
  byId('edges').replaceChildren(); byId('boxes').replaceChildren();
  (rows || []).forEach(r => byId('edges').append(make('text', { x: bounds.x + 8, y: r.y + 4, class: 'row' }, r.text)));
  edges.forEach(e => { e.path = make('path', { d: curve(boxes[e.from], boxes[e.to]) }); e.path.append(make('title', {}, e.tip)); byId('edges').append(e.path); });
  boxes.forEach((b, i) => {
    const g = make('g', { class: b.item ? 'box' : 'box pale', transform: `translate(${b.x - W / 2} ${b.y - H / 2})` });
    g.append(make('title', {}, b.tip), make('rect', { width: W, height: H, rx: 7 }), make('text', { x: W / 2, y: 18, class: 'name' }, cut(b.title, 18)),
      make('text', { x: W / 2, y: 34, class: 'small' }, cut(b.under, 25)));
    g.onmouseenter = () => edges.forEach(e => e.path.classList.toggle('lit', e.from === i || e.to === i));
    g.onmouseleave = () => edges.forEach(e => e.path.classList.remove('lit'));
    g.onclick = () => { if (!dragged) b.choose(); };
    g.ondblclick = () => b.enter && b.enter();
    b.g = g;
    byId('boxes').append(g);
  });
  paint();
}
function paint() { boxes.forEach(b => { if (b.item) b.g.querySelector('rect').setAttribute('fill', fill(b)); b.g.classList.toggle('chosen', b.item !== undefined && b.item === chosen); }); }

function measure(left) {
  const xs = boxes.map(b => b.x), ys = boxes.map(b => b.y);
  const x = Math.min(...xs) - W / 2 - 20 - left, y = Math.min(...ys) - H / 2 - 20;
  bounds = { x, y, w: Math.max(...xs) + W / 2 + 20 - x, h: Math.max(...ys) + H / 2 + 20 - y };
}
function look() { svg.setAttribute('viewBox', `${view.x} ${view.y} ${view.w} ${view.h}`); }
function fit() { view = { ...bounds }; look(); }
function zoom(factor, px, py) {
  const r = svg.getBoundingClientRect(), scale = Math.max(view.w / r.width, view.h / r.height);
  const cx = px === undefined ? view.x + view.w / 2 : view.x + view.w / 2 + (px - r.left - r.width / 2) * scale;
  const cy = py === undefined ? view.y + view.h / 2 : view.y + view.h / 2 + (py - r.top - r.height / 2) * scale;
  const w = Math.min(Math.max(view.w * factor, 200), 8 * Math.max(bounds.w, 1000)); factor = w / view.w;
  view = { x: cx - (cx - view.x) * factor, y: cy - (cy - view.y) * factor, w, h: view.h * factor };
  look();
}

function showBlocks() {
  open = -1; byId('back').hidden = true;
  const links = blockEdges(), is = model.blocks.some(b => /^fpn cell/.test(b.name)) && model.blocks.some((b, i) => /^fpn cell/.test(b.name) && heightOf(i));
  const drawing = is ? pyramid() : { place: layered(model.blocks.length, links) };
  boxes = model.blocks.map((b, i) => ({ ...drawing.place[i], item: b, title: b.name.replace(/^fpn cell (\d+) node (\d+)/, 'cell $1 node $2'), tint: tintOfBlock(b.name),
    under: `${b.nodes} node${b.nodes === 1 ? "" : "s"}, ${short(b.flops)}${b.flops < 1e3 ? " " : ""}FLOPs`, tip: b.name + ' (double click: its nodes)', choose: () => tellBlock(i), enter: () => showNodes(i) }));
  edges = links.map(l => ({ ...l, tip: model.tensors[l.tensor][0] + '  ' + shapeText(model.tensors[l.tensor]) }));
  measure(is ? 90 : 0); draw(drawing.rows); fit();
}

function showNodes(block, node) {
  open = block; byId('back').hidden = false; chosen = null;
  const list = members[block], before = new Map(), index = new Map(), links = [], after = new Map();
  list.forEach(i => model.nodes[i].in.forEach(t => {
    const from = producer.get(t);
    if (from !== undefined ? model.nodes[from].block !== block : model.inputs.includes(t)) before.set(t, before.size);
  }));
  list.forEach((i, k) => index.set(i, before.size + k));
  list.forEach(i => model.nodes[i].out.forEach(t => {
    const to = new Set((readers.get(t) || []).map(r => model.nodes[r].block).filter(b => b !== block));
    if (model.outputs.includes(t)) to.add(-1);
    to.forEach(b => after.set(t + ' ' + b, { t, b, i }));
  }));
  const pale = (title, t, b) => ({ title, under: shapeText(model.tensors[t]), tip: model.tensors[t][0], choose: () => b >= 0 && tellBlock(b), enter: () => b >= 0 && showNodes(b) });
  boxes = [...before.keys()].map(t => producer.has(t) ? pale('from ' + model.blocks[model.nodes[producer.get(t)].block].name, t, model.nodes[producer.get(t)].block) : pale(model.tensors[t][0], t, -1));
  list.forEach(i => {
    const n = model.nodes[i];
    boxes.push({ item: n, title: n.op, tint: tintOfOp(n.op), under: n.out.length ? shapeText(model.tensors[n.out[0]]) : '', tip: label(n), choose: () => tellNode(i) });
    n.in.forEach(t => {
      const from = before.has(t) ? before.get(t) : producer.has(t) ? index.get(producer.get(t)) : undefined;
      if (from !== undefined) links.push({ from, to: index.get(i), tip: model.tensors[t][0] + '  ' + shapeText(model.tensors[t]) });
    });
  });
  for (const { t, b, i } of after.values()) {
    links.push({ from: index.get(i), to: boxes.length, tip: model.tensors[t][0] });
    boxes.push(pale(b < 0 ? model.tensors[t][0] : 'to ' + model.blocks[b].name, t, b));
  }
  const place = layered(boxes.length, links);
  boxes.forEach((b, k) => Object.assign(b, place[k]));
  edges = links; measure(0); draw(); fit();
  const r = svg.getBoundingClientRect();
  if (bounds.h > 1.6 * r.height) { view = { x: bounds.x + bounds.w / 2 - r.width / 2, y: bounds.y, w: r.width, h: r.height }; look(); }
  if (node === undefined) tellBlock(block);
  else { tellNode(node); const b = boxes[index.get(node)]; view = { x: b.x - r.width / 2, y: b.y - r.height / 2, w: r.width, h: r.height }; look(); }
}

function html(tag, text, attributes = {}) {
  const e = document.createElement(tag);
  if (text !== undefined) e.textContent = text;
  for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
  return e;
}
function table(rows) {
  const t = html('table');
  rows.forEach(cells => { const tr = html('tr'); cells.forEach((c, i) => tr.append(html('td', String(c), i ? { class: 'n' } : {}))); t.append(tr); });
  return t;
}
function figures(x) {
  const none = x.flops === undefined;
  return table([['parameters', x.params.toLocaleString('en')], ['MACs', none ? 'not counted' : x.macs.toLocaleString('en')],
    ['FLOPs', none ? 'not counted' : x.flops.toLocaleString('en')], ['share of FLOPs', none ? '' : share(x.flops)]]);
}
function tensors(title, list) {
  panel.append(html('h3', title));
  list.forEach(t => { const d = model.tensors[t]; panel.append(html('div', d[0] + (d[3] ? '  (constant)' : ''))); panel.append(html('p', `${d[1]} ${shapeText(d)}`)); });
}
function tellNode(i) {
  const n = model.nodes[i];
  chosen = n; paint();
  panel.replaceChildren(html('h2', n.op), html('div', label(n)), html('p', 'block ' + model.blocks[n.block].name + (n.depth ? ', inside a subgraph' : '')), figures(n));
  if (n.attrs.length) panel.append(html('h3', 'Attributes'), table(n.attrs));
  tensors('Inputs', n.in); tensors('Outputs', n.out);
}
function tellBlock(i) {
  const b = model.blocks[i];
  chosen = b; paint();
  const enter = html('button', 'show its nodes');
  enter.onclick = () => showNodes(i);
  panel.replaceChildren(html('h2', b.name), html('p', b.nodes + ' nodes' + (b.uncounted ? `, ${b.uncounted} of them not counted` : '')), figures(b));
  if (open !== i) panel.append(html('p'), enter);
  const t = html('table');
  members[i].forEach(k => {
    const n = model.nodes[k], tr = html('tr', undefined, { 'data-node': k });
    tr.append(html('td', n.op), html('td', n.out.length ? shapeText(model.tensors[n.out[0]]) : ''), html('td', n.flops === undefined ? '?' : short(n.flops), { class: 'n' }));
    tr.onclick = () => showNodes(i, k);
    t.append(tr);
  });
  panel.append(html('h3', 'Nodes'), t);
}
function tellModel() {
  chosen = null; paint();
  panel.replaceChildren(html('h2', 'Blocks'), html('p', 'One MAC is a multiply-add of a convolution or matrix product; FLOPs are twice that, plus one per other step.'));
  const t = html('table'), head = html('tr');
  ['block', 'params', 'FLOPs', 'share'].forEach((c, i) => head.append(html('th', c, i ? { class: 'n' } : {})));
  t.append(head);
  model.blocks.forEach((b, i) => {
    const tr = html('tr', undefined, { 'data-block': i });
    [b.name, short(b.params), short(b.flops) + (b.uncounted ? '*' : ''), share(b.flops)].forEach((c, k) => tr.append(html('td', c, k ? { class: 'n' } : {})));
    tr.onclick = () => tellBlock(i);
    t.append(tr);
  });
  panel.append(t);
  if (model.uncounted) panel.append(html('p', `* ${model.uncounted} nodes not counted (plugins, unknown shapes)`));
  tensors('Inputs', model.inputs); tensors('Outputs', model.outputs);
}

search.oninput = () => {
  const text = search.value.trim().toLowerCase(), hits = [];
  found.replaceChildren(); found.hidden = !text;
  if (!text) return;
  model.blocks.forEach((b, i) => { if (b.name.toLowerCase().includes(text)) hits.push([b.name, 'block', () => showNodes(i)]); });
  model.nodes.forEach((n, i) => {
    if ((n.name + ' ' + n.op).toLowerCase().includes(text) || [...n.in, ...n.out].some(t => model.tensors[t][0].toLowerCase().includes(text)))
      hits.push([label(n), n.op, () => showNodes(n.block, i)]);
  });
  hits.slice(0, 60).forEach(([name, what, go]) => {
    const d = html('div', name + ' ');
    d.append(html('small', what));
    d.onclick = () => { found.hidden = true; go(); };
    found.append(d);
  });
  found.append(html('div', hits.length > 60 ? `and ${hits.length - 60} more` : hits.length ? '' : 'nothing found'));
};
search.onkeydown = e => {
  if (e.key === 'Enter' && found.firstChild && found.firstChild.onclick) found.firstChild.onclick();
  if (e.key === 'Escape' || e.key === 'Enter') { found.hidden = true; svg.focus(); e.stopPropagation(); }
};
let drag = null, dragged = false;
svg.onpointerdown = e => { drag = { x: e.clientX, y: e.clientY, view: { ...view } }; dragged = false; found.hidden = true; };
window.onpointermove = e => {
  if (!drag) return;
  const r = svg.getBoundingClientRect(), scale = Math.max(view.w / r.width, view.h / r.height);
  if (Math.hypot(e.clientX - drag.x, e.clientY - drag.y) > 4) dragged = true;
  if (!dragged) return;
  view.x = drag.view.x - (e.clientX - drag.x) * scale; view.y = drag.view.y - (e.clientY - drag.y) * scale; look();
};
window.onpointerup = () => { drag = null; };
svg.onclick = e => { if (e.target === svg && !dragged) { if (open < 0) tellModel(); else tellBlock(open); } };
svg.addEventListener('wheel', e => { e.preventDefault(); zoom(Math.exp(e.deltaY * 0.0015), e.clientX, e.clientY); }, { passive: false });
function back() { showBlocks(); tellModel(); }
window.onkeydown = e => {
  if (/INPUT|SELECT/.test(e.target.tagName) || e.ctrlKey || e.metaKey || e.altKey) return;
  const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[e.key];
  if (step) { view.x += step[0] * view.w / 8; view.y += step[1] * view.h / 8; look(); }
  else if (e.key === '/') search.focus();
  else if (e.key === '+' || e.key === '=') zoom(0.8);
  else if (e.key === '-') zoom(1.25);
  else if (e.key === '0') fit();
  else if (e.key === 'Escape') back();
  else return;
  e.preventDefault();
};
byId('in').onclick = () => zoom(0.8);
byId('out').onclick = () => zoom(1.25);
byId('fit').onclick = fit;
byId('back').onclick = back;
byId('colour').onchange = paint;
const setScheme = s => { document.documentElement.dataset.scheme = s; };
setScheme(window.matchMedia && matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');
byId('scheme').onclick = () => setScheme(document.documentElement.dataset.scheme === 'dark' ? 'light' : 'dark');

document.title = model.title;
byId('title').textContent = model.title;
byId('facts').textContent = `${model.nodes.length} nodes, ${short(model.params)} parameters, ${model.uncounted ? 'at least ' : ''}${short(model.macs)} MACs, ${short(model.flops)} FLOPs`;
back();
// A link to a block: d0.html#blocks_3
function followHash() {
  const name = decodeURIComponent(location.hash.slice(1)), block = model.blocks.findIndex(b => b.name === name);
  if (block >= 0 && block !== open) { showNodes(block); tellBlock(block); }
}
window.onhashchange = followHash;
followHash();
