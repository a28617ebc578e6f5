"use strict";
// The page of one map. All that it knows stands in its JSON block, which explorer.py writes.

const data = JSON.parse(document.getElementById("data").textContent);
const { width: TILE_W, height: TILE_H, across: ACROSS, per_sheet: PER_SHEET } = data.tile;
const NODES = data.rows * data.cols;
const ALL = -1; // in place of a person
const STEP = 48; // faces of a node listed at a time
const TRAIL = 25; // frames of a path that stay visible
const PACE = 100; // milliseconds a frame

const $ = (id) => document.getElementById(id);

function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children); // strings become text, never markup
  return element;
}

// ---- what is known of each image ---------------------------------------------------------------

const unpack = (text, Type) => new Type(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
const integers = (name) => unpack(data.images[name], Int32Array);
const [node, person, frame, group, original] = ["node", "person", "frame", "group", "index"].map(integers);
const distance = unpack(data.images.distance, Float32Array);
const columns = ["actions", "columns"].flatMap((kind) =>
  data[kind].map(({ name, values }) => ({ kind, name, values: unpack(values, Float32Array) }))
);
const names = data.persons;
const groupNames = [...data.group_names];

const membersOf = Array.from({ length: NODES }, () => []); // nearest first
const framesOf = names.map(() => []); // in time
const nearestFirst = [...node.keys()].sort((a, b) => distance[a] - distance[b] || a - b);
for (const i of nearestFirst) membersOf[node[i]].push(i);
for (const i of node.keys()) framesOf[person[i]].push(i);

const wonBy = (k, who) => (who === ALL ? membersOf[k] : membersOf[k].filter((i) => person[i] === who));
const number = (x) => (Number.isFinite(x) ? String(Number(x.toPrecision(3))) : "none");
const count = (n, what) => `${n.toLocaleString("en")} ${what}${n === 1 ? "" : "s"}`;
// A name of any length in the space of a line; whole ones stand in the export.
const short = (name) => (name.length > 60 ? `${name.slice(0, 45)}…${name.slice(-14)}` : name);
const titles = names.map((name) => (/^\d+$/.test(name) ? `person ${name}` : short(name)));
const personName = (p) => titles[p] ?? (names.length > 1 ? "all persons" : titles[0]);
const groupWords = (k) => (k < 0 ? "no group" : [...new Set([`group ${k}`, short(groupNames[k])])].join(", "));
const groupColour = (k) => (k < 0 ? "#d9d9d9" : data.colours[k % data.colours.length]);
const place = (k) => `row ${Math.floor(k / data.cols)}, column ${k % data.cols}`;

function nodeWords(k) {
  const words = groupNames.length ? [groupWords(data.node_groups[k])] : [];
  if (data.node_words) words.push(`this node: ${data.node_words[k]}`);
  return [...words, `U-matrix ${number(data.u_matrix[k])}`].join(" · ");
}

// open: node; image: frame shown, with the trail up to it or without; listed: faces; playing: timer
const state = { open: null, selected: new Set(), image: null, trail: false, listed: STEP, playing: null };

// ---- pictures ----------------------------------------------------------------------------------

const sharpness = () => Math.max(window.devicePixelRatio || 1, 2); // pixels of a canvas for one of the page

// A function that gives the sheet of a face, decoded when first asked for.
function sheetsOf(texts) {
  const decode = (text) => {
    const image = new Image();
    image.src = "data:image/webp;base64," + text;
    return image.decode().then(() => image);
  };
  const decoded = [];
  return (face) => (decoded[Math.floor(face / PER_SHEET)] ??= decode(texts[Math.floor(face / PER_SHEET)]));
}
const [sheetOfImage, sheetOfNode] = [data.sheets, data.node_sheets].map(sheetsOf);

// Draws what a box (left, top, width, height) of a face's tile holds to another box.
function drawTile(context, sheet, face, from, to) {
  const tile = face % PER_SHEET;
  const [left, top] = [(tile % ACROSS) * TILE_W, Math.floor(tile / ACROSS) * TILE_H];
  context.drawImage(sheet, left + from[0], top + from[1], from[2], from[3], ...to);
}

async function drawFace(canvas, face) {
  [canvas.width, canvas.height, canvas.face] = [TILE_W, TILE_H, face];
  const sheet = await sheetOfImage(face);
  const whole = [0, 0, TILE_W, TILE_H];
  if (canvas.face === face) drawTile(canvas.getContext("2d"), sheet, face, whole, whole); // else out of date
}

// ---- what the map can be coloured by: a value of each node, or a key and its mark -----------------

function mean(images, values) {
  const known = images.filter((i) => Number.isFinite(values[i]));
  return known.reduce((sum, i) => sum + values[i], 0) / known.length;
}

function mostFrequent(images) {
  const times = names.map(() => 0);
  for (const i of images) times[person[i]]++;
  return times.indexOf(Math.max(...times));
}

const colourings = [
  { name: "nothing, faces only" },
  groupNames.length && { name: "group", key: (k) => data.node_groups[k], mark: (key) => key },
  { name: "faces won", value: (k, images) => images.length },
  names.length > 1 && { name: "most frequent person", key: (k, images) => mostFrequent(images), mark: personName },
  names.length > 1 && { name: "number of persons", value: (k, images) => new Set(images.map((i) => person[i])).size },
  { name: "distance to neighbouring nodes (U-matrix)", value: (k) => data.u_matrix[k] },
  ...columns.map(({ kind, name, values }) => ({ kind, name, value: (k, images) => mean(images, values) })),
].filter(Boolean);

// ---- the maps ----------------------------------------------------------------------------------

class FaceMap {
  constructor(side) {
    this.section = $(`map-${side}`);
    this.chooser = $(side);
    const parts = [".stage", ".faces", ".nodes", ".path"].map((part) => this.section.querySelector(part));
    [this.stage, this.canvas, this.grid, this.path] = parts;
    this.bottom = Math.max(...data.y) + 1;
    this.aspect = (data.cols * data.crop[2]) / (this.bottom * data.crop[3]);
    this.stage.style.aspectRatio = this.aspect;
    this.stage.style.setProperty("--aspect", this.aspect);
    this.cells = Array.from({ length: NODES }, (_, k) => this.cell(k));
    for (let k = 0; k < NODES; k += data.cols) {
      this.grid.append(el("div", { role: "row" }, ...this.cells.slice(k, k + data.cols)));
    }
    new ResizeObserver(() => this.paint()).observe(this.stage);
  }

  cell(k) {
    const cell = el("div", { role: "gridcell", tabindex: k === 0 ? 0 : -1, "data-node": k });
    const [width, height] = [100 / data.cols, 100 / this.bottom];
    const [left, top] = [(k % data.cols) * width, data.y[k] * height];
    Object.assign(cell.style, { left: `${left}%`, top: `${top}%`, width: `${width}%`, height: `${height}%` });
    return cell;
  }

  get shown() { return !this.section.hidden; }
  get who() { return Number(this.chooser.value); }

  // The value of each node, if the map is coloured by values.
  values(colouring) {
    this.won = this.cells.map((_, k) => wonBy(k, this.who));
    return colouring.value ? this.won.map((images, k) => (images.length ? colouring.value(k, images) : NaN)) : [];
  }

  update(colouring, values, low, high) {
    const keys = this.won.map((images, k) => (colouring.key && images.length ? colouring.key(k, images) : ALL));
    this.marks = keys.map((key) => (key < 0 ? "" : String(colouring.mark(key))));
    this.fills = this.won.map((images, k) => {
      if (!colouring.value) return colouring.key ? groupColour(keys[k]) : null;
      if (!Number.isFinite(values[k])) return null;
      return data.ramp[Math.round((data.ramp.length - 1) * (high > low ? (values[k] - low) / (high - low) : 0.5))];
    });
    this.numbers = this.won.map((images, k) => {
      const value = colouring.value && images.length ? `, ${short(colouring.name)} ${number(values[k])}` : "";
      return count(images.length, "face") + value;
    });
    const label = (k) => `node ${k}, ${place(k)}: ${this.numbers[k]} · ${nodeWords(k)}`;
    this.cells.forEach((cell, k) => cell.setAttribute("aria-label", label(k)));
    const faces = `${count(this.won.flat().length, "face")} in ${this.won.filter((images) => images.length).length}`;
    this.section.querySelector("h2").textContent = `Map of ${personName(this.who)}: ${faces} of ${NODES} nodes`;
    this.mark();
    this.paint();
  }

  mark() {
    this.cells.forEach((cell, k) => {
      cell.setAttribute("aria-selected", state.selected.has(k));
      cell.setAttribute("aria-current", k === state.open);
    });
  }

  // A context in which a cell is 1 × 1.
  clean(canvas) {
    const scale = sharpness();
    canvas.width = Math.round(this.stage.clientWidth * scale);
    canvas.height = Math.round(this.stage.clientHeight * scale);
    const context = canvas.getContext("2d");
    context.scale(canvas.width / data.cols, canvas.height / this.bottom);
    context.lineCap = context.lineJoin = "round";
    return context;
  }

  async paint() {
    if (!this.shown || !this.stage.clientWidth || !this.won) return;
    const turn = (this.turn = (this.turn || 0) + 1);
    // a person's map shows the person's own nearest face, where there is one
    const own = this.won.map((images) => (this.who === ALL ? undefined : images[0]));
    const sheets = await Promise.all(own.map((i, k) => (i === undefined ? sheetOfNode(k) : sheetOfImage(i))));
    if (turn !== this.turn) return; // something else is to be shown by now
    const context = this.clean(this.canvas);
    const inset = this.fills.some(Boolean) ? 0.1 : 0.03;
    for (let k = 0; k < NODES; k++) {
      const [x, y] = [k % data.cols, data.y[k]];
      context.globalAlpha = this.who === ALL || this.won[k].length ? 1 : 0.2;
      context.fillStyle = this.fills[k] || "transparent";
      context.fillRect(x, y, 1, 1);
      const box = [x + inset, y + inset, 1 - 2 * inset, 1 - 2 * inset];
      drawTile(context, sheets[k], own[k] ?? k, data.crop, box);
    }
    if ($("walls").checked) this.drawWalls(context);
    this.drawMarks(context);
    this.drawPath();
  }

  // A wall runs along the edge that two cells share; where they meet in a corner it is a point.
  drawWalls(context) {
    context.strokeStyle = getComputedStyle(document.body).color;
    context.lineWidth = 0.07;
    for (const [a, b, height] of data.walls) {
      const [ax, bx, ay, by] = [a % data.cols, b % data.cols, data.y[a], data.y[b]];
      context.globalAlpha = 0.85 * height;
      context.beginPath();
      context.moveTo(Math.max(ax, bx), Math.max(ay, by));
      context.lineTo(Math.min(ax, bx) + 1, Math.min(ay, by) + 1);
      context.stroke();
    }
  }

  drawMarks(context) {
    const { width, height } = this.canvas;
    const [w, h] = [width / data.cols, height / this.bottom];
    context.setTransform(1, 0, 0, 1, 0, 0); // letters are not to be stretched
    context.font = `bold ${Math.round(Math.max(0.22 * h, 9))}px system-ui, sans-serif`;
    const colours = { strokeStyle: "#ffffff", fillStyle: "#000000" };
    Object.assign(context, { globalAlpha: 1, textBaseline: "top", lineWidth: 0.06 * h, ...colours });
    this.marks.forEach((mark, k) => {
      const at = [mark, ((k % data.cols) + 0.06) * w, (data.y[k] + 0.06) * h, 0.88 * w];
      context.strokeText(...at);
      context.fillText(...at);
    });
  }

  // The map on a picture, with a frame around the open node and the selected ones.
  drawTo(context, left, top, colour) {
    const [width, height] = [this.stage.clientWidth, this.stage.clientHeight];
    for (const canvas of [this.canvas, this.path]) context.drawImage(canvas, left, top, width, height);
    const [w, h] = [width / data.cols, height / this.bottom];
    context.lineWidth = 3;
    for (const k of new Set([...state.selected, ...(state.open === null ? [] : [state.open])])) {
      context.strokeStyle = k === state.open ? colour : getComputedStyle(document.body).getPropertyValue("--picked");
      context.strokeRect(left + (k % data.cols) * w, top + data.y[k] * h, w, h);
    }
  }

  drawPath() {
    const context = this.clean(this.path);
    if (state.image === null || ![ALL, person[state.image]].includes(this.who)) return;
    const video = framesOf[person[state.image]];
    const now = video.indexOf(state.image);
    const centre = (i) => [(node[i] % data.cols) + 0.5, data.y[node[i]] + 0.5];
    for (const [width, colour] of [[0.12, "#ffffff"], [0.06, "#d55e00"]]) {
      context.strokeStyle = context.fillStyle = colour;
      context.lineWidth = width;
      context.beginPath();
      for (const i of video.slice(state.trail ? Math.max(0, now - TRAIL) : now, now + 1)) context.lineTo(...centre(i));
      context.stroke();
      context.beginPath();
      context.arc(...centre(state.image), 0.1 + width / 2, 0, 2 * Math.PI);
      context.fill();
    }
  }
}

const maps = [new FaceMap("left"), new FaceMap("right")];
const shownMaps = () => maps.filter((map) => map.shown);

function refresh() {
  const colouring = colourings[$("colour").value];
  const values = shownMaps().map((map) => map.values(colouring));
  const known = values.flat().filter(Number.isFinite); // one scale for both maps
  const [low, high] = [Math.min(...known), Math.max(...known)];
  shownMaps().forEach((map, m) => map.update(colouring, values[m], low, high));
  $("legend").hidden = !known.length;
  [$("low").textContent, $("high").textContent] = [low, high].map(number);
  describeSelection();
  listMembers();
  keepLink();
}

function light(k) {
  for (const map of maps) map.cells.forEach((cell, other) => cell.classList.toggle("lit", other === k));
}

// ---- one node and its faces --------------------------------------------------------------------

function nodeNumbers(k) {
  const said = (map) => (map.who === ALL && !maps[1].shown ? "" : `${personName(map.who)}: `) + map.numbers[k];
  return shownMaps().map(said).join("; ");
}

function openNode(k) {
  state.open = k;
  listMembers(STEP);
  maps.forEach((map) => map.mark());
  keepLink();
}

function listMembers(listed = state.listed) {
  const k = state.open;
  state.listed = listed;
  if (k === null) return;
  $("node-title").textContent = `Node ${k} (${place(k)}): ${nodeNumbers(k)}`;
  $("node-facts").textContent = `${nodeWords(k)} · faces sorted by ${data.distance_name}`;
  $("node-pick").hidden = false;
  $("pick").checked = state.selected.has(k);
  $("members").replaceChildren(...shownMaps().flatMap((map) => membersOn(map, k)));
}

function membersOn(map, k) {
  const images = map.won[k];
  const label = `Faces of ${personName(map.who)} in node ${k}`;
  const list = el("div", { class: "faces-list", role: "group", "aria-label": label });
  list.append(...images.slice(0, state.listed).map(faceButton));
  const more = el("button", { class: "more" }, `Show more of ${count(images.length, "face")}`);
  more.hidden = images.length <= state.listed;
  more.addEventListener("click", () => listMembers(state.listed + STEP));
  const title = el("h3", {}, `${personName(map.who)}: ${count(images.length, "face")}`);
  return maps[1].shown ? [title, list, more] : [list, more];
}

function faceButton(i) {
  const label = `${titles[person[i]]}, frame ${frame[i]}, distance ${number(distance[i])}`;
  const button = el("button", { class: "face", "data-image": i, "aria-label": label, title: label });
  button.setAttribute("aria-pressed", i === state.image);
  const canvas = el("canvas");
  drawFace(canvas, i);
  button.append(canvas, names.length > 1 ? `${titles[person[i]]} · ${frame[i]}` : `frame ${frame[i]}`);
  button.addEventListener("click", () => (stop(), showFrame(i)));
  return button;
}

// ---- one frame, and a person's frames in time --------------------------------------------------

function showFrame(i, trail = false) {
  state.image = i;
  state.trail = trail;
  const video = framesOf[person[i]];
  $("person").value = person[i];
  $("frame").value = frame[i];
  $("time").max = video.length - 1;
  $("time").value = video.indexOf(i);
  $("time").setAttribute("aria-valuetext", `frame ${frame[i]}, node ${node[i]}`);
  $("shown").hidden = false;
  drawFace($("big"), i);
  $("big").setAttribute("aria-label", `${titles[person[i]]}, frame ${frame[i]}`);
  const rows = [["person", titles[person[i]]], ["frame", frame[i]], ["node", `${node[i]} (${place(node[i])})`]];
  if (groupNames.length) rows.push(["group", groupWords(group[i])]);
  rows.push([data.distance_name, number(distance[i])], ...columns.map(({ name, values }) => [short(name), number(values[i])]));
  $("numbers").replaceChildren(...rows.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
  for (const face of $("members").querySelectorAll(".face")) face.setAttribute("aria-pressed", face.dataset.image == i);
  shownMaps().forEach((map) => map.drawPath());
  light(node[i]);
  if (!trail) keepLink(); // else at the end of the movement
}

function findFrame() {
  stop();
  const off = (i) => Math.abs(frame[i] - Number($("frame").value));
  const nearest = framesOf[$("person").value].reduce((best, i) => (off(i) < off(best) ? i : best));
  showFrame(nearest);
  openNode(node[nearest]);
}

function stop() {
  clearInterval(state.playing);
  state.playing = null;
  $("play").textContent = "▶ Play";
}

function pause() {
  stop();
  openNode(node[state.image]); // not while playing: its faces take time to list
}

function play() {
  const video = framesOf[$("person").value];
  let now = video.indexOf(state.image); // -1, which starts at the front, if another person is shown
  if (now === video.length - 1) now = -1;
  $("play").textContent = "❚❚ Pause";
  showFrame(video[++now], true);
  const next = () => (now === video.length - 1 ? pause() : showFrame(video[++now], true));
  state.playing = setInterval(next, PACE);
}

// ---- groups, selection, export -----------------------------------------------------------------

function listGroup(name, k) {
  const swatch = el("span", { class: "swatch", "aria-hidden": true }, k);
  swatch.style.background = groupColour(k);
  const input = el("input", { type: "text", "aria-label": `Name of group ${k}`, value: name });
  input.addEventListener("change", () => {
    input.value = groupNames[k] = input.value.trim() || name;
    refresh();
    if (state.image !== null) showFrame(state.image, state.trail);
  });
  const faces = count(group.filter((other) => other === k).length, "face");
  $("group-list").append(el("li", {}, swatch, input, el("span", { class: "count" }, faces)));
}

function exported() {
  const shown = shownMaps().map((map) => map.who);
  const nodes = state.selected;
  const wanted = (i) => (shown.includes(ALL) || shown.includes(person[i])) && (!nodes.size || nodes.has(node[i]));
  return [...node.keys()].filter(wanted);
}

function describeSelection() {
  const nodes = [...state.selected].sort((a, b) => a - b);
  const some = `${count(nodes.length, "node")} selected: ${nodes.join(", ")}.`;
  $("selection").textContent = nodes.length ? some : "No node selected: the export holds all faces shown.";
  $("export").textContent = `Export ${count(exported().length, "face")} as CSV`;
  $("clear").disabled = !nodes.length;
}

function toggle(k) {
  if (!state.selected.delete(k)) state.selected.add(k);
  $("pick").checked = state.selected.has(state.open);
  maps.forEach((map) => map.mark());
  describeSelection();
}

// Quoted as in RFC 4180; an apostrophe in front of text that a spreadsheet would take for a formula.
function csvField(value) {
  const formula = typeof value === "string" && /^[=+\-@\t\r]/.test(value) && Number.isNaN(Number(value));
  const text = (formula ? "'" : "") + value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function csv() {
  const places = (i) => [node[i], Math.floor(node[i] / data.cols), node[i] % data.cols];
  const head = ["image", "person", "frame", "node", "row", "column"];
  if (groupNames.length) head.push("group", "group_name");
  const lines = exported().map((i) => {
    const line = [original[i], names[person[i]], frame[i], ...places(i)];
    if (groupNames.length) line.push(group[i], groupNames[group[i]] ?? "");
    const numbers = [distance[i], ...columns.map(({ values }) => values[i])];
    return [...line, ...numbers.map((x) => (Number.isFinite(x) ? Number(x.toPrecision(7)) : ""))];
  });
  const table = [[...head, "distance", ...columns.map(({ name }) => name)], ...lines];
  return table.map((line) => line.map(csvField).join(",") + "\r\n").join("");
}

function download(blob, name) {
  el("a", { href: URL.createObjectURL(blob), download: name }).click();
}

// The maps as they are seen, with their titles and what the colours mean, as one picture.
function picture() {
  const scale = sharpness();
  const [line, gap] = [22, 12];
  const shown = shownMaps();
  const widths = shown.map((map) => map.stage.clientWidth);
  const canvas = el("canvas");
  canvas.width = scale * (gap + widths.reduce((sum, width) => sum + width + gap, 0));
  canvas.height = scale * (2 * gap + 2 * line + Math.max(...shown.map((map) => map.stage.clientHeight)));
  const context = canvas.getContext("2d");
  const style = getComputedStyle(document.body);
  const write = (text, x, y, width) => context.fillText(text, x, y + 0.7 * line, width);
  context.scale(scale, scale);
  context.fillStyle = style.backgroundColor;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.font = "14px system-ui, sans-serif";
  let left = gap;
  shown.forEach((map, m) => {
    context.fillStyle = style.color;
    write(map.section.querySelector("h2").textContent, left, gap, widths[m]);
    map.drawTo(context, left, gap + line, style.getPropertyValue("--lit"));
    left += widths[m] + gap;
  });
  const [top, name] = [canvas.height / scale - line - gap / 2, short(colourings[$("colour").value].name)];
  context.fillStyle = style.color;
  write(`coloured by ${name}` + ($("legend").hidden ? "" : `: ${$("low").textContent}`), gap, top);
  if ($("legend").hidden) return canvas;
  const start = 2 * gap + context.measureText(`coloured by ${name}: ${$("low").textContent}`).width;
  data.ramp.forEach((colour, k) => {
    context.fillStyle = colour;
    context.fillRect(start + 2 * k, top + 4, 3, 12); // overlapping, so that no paper shines through
  });
  context.fillStyle = style.color;
  write($("high").textContent, start + 2 * data.ramp.length + gap, top);
  return canvas;
}

// ---- the link ----------------------------------------------------------------------------------

const ENTRIES = { person: "left", beside: "right", colour: "colour" };

// What the page shows, kept behind the # of its address.
function keepLink() {
  if (location.protocol === "about:") return; // inside a notebook the page has no address of its own
  const said = new URLSearchParams();
  for (const [entry, id] of Object.entries(ENTRIES)) said.set(entry, nameOf(id, $(id).value));
  if (state.open !== null) said.set("node", state.open);
  if (state.image !== null) said.set("face", original[state.image]);
  history.replaceState(null, "", `#${said}`);
}

// Choices are kept by name, which still holds when the page is written anew with more persons or columns.
function nameOf(id, value) {
  if (value === "") return "";
  return id === "colour" ? colourings[value].name : (names[value] ?? "all persons");
}

function followLink() {
  const said = new URLSearchParams(location.hash.slice(1));
  for (const [entry, id] of Object.entries(ENTRIES)) {
    const found = [...$(id).options].find(({ value }) => nameOf(id, value) === said.get(entry));
    if (found) $(id).value = found.value;
  }
  const [open, image] = [said.get("node"), original.indexOf(Number(said.get("face") ?? NaN))];
  showSides();
  if (image >= 0) showFrame(image);
  if (/^\d+$/.test(open) && Number(open) < NODES) openNode(Number(open));
}

// ---- wiring ------------------------------------------------------------------------------------

const FAR = Infinity;
const ENDS = { Home: [0, -FAR], End: [0, FAR], "Ctrl Home": [-FAR, -FAR], "Ctrl End": [FAR, FAR] };
const KEYS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], ...ENDS };

function neighbour(k, [down, right]) {
  const within = (x, last) => Math.min(Math.max(x, 0), last);
  const row = within(Math.floor(k / data.cols) + down, data.rows - 1);
  return row * data.cols + within((k % data.cols) + right, data.cols - 1);
}

function wire(map) {
  const focus = (k) => {
    map.cells.forEach((cell, other) => cell.setAttribute("tabindex", other === k ? 0 : -1));
    map.cells[k].focus();
  };
  const act = {
    pointerover(k) {
      if (!state.playing) light(k);
      $("status").textContent = `node ${k} (${place(k)}) · ${nodeNumbers(k)} · ${nodeWords(k)}`;
    },
    click(k, event) {
      if (event.shiftKey || event.ctrlKey || event.metaKey) toggle(k);
      else openNode(k);
      focus(k);
    },
    keydown(k, event) {
      const key = (event.ctrlKey ? "Ctrl " : "") + event.key;
      if (key in KEYS) focus(neighbour(k, KEYS[key]));
      else if (event.key === "Enter") openNode(k);
      else if (event.key === " ") toggle(k);
      else return;
      event.preventDefault();
    },
  };
  act.focusin = act.pointerover;
  map.cells.forEach((cell, k) => {
    for (const [type, action] of Object.entries(act)) cell.addEventListener(type, (event) => action(k, event));
  });
  map.grid.addEventListener("pointerleave", () => state.playing || light(null));
  map.chooser.addEventListener("change", showSides);
}

function showSides() {
  maps[1].section.hidden = $("right").value === "";
  $("maps").classList.toggle("two", maps[1].shown);
  refresh();
}

const options = (list, first) => list.map((name, k) => el("option", { value: first + k }, name));
const choices = options(colourings.map(({ name }) => short(name)), 0);
for (const kind of new Set(colourings.map((colouring) => colouring.kind))) {
  const of = choices.filter((_, k) => colourings[k].kind === kind);
  $("colour").append(...(kind ? [el("optgroup", { label: kind }, ...of)] : of));
}
$("left").append(...options(["all persons", ...titles], ALL));
$("right").append(el("option", { value: "" }, "no other"), ...options(["all persons", ...titles], ALL));
$("person").append(...options(titles, 0));
$("colour").value = groupNames.length ? 1 : 0;
$("ramp").style.background = `linear-gradient(to right, ${data.ramp.join(", ")})`;
$("time").max = framesOf[0].length - 1;
$("groups").hidden = !groupNames.length;
for (const label of document.querySelectorAll(".several")) label.hidden = names.length < 2;

maps.forEach(wire);
groupNames.forEach(listGroup);
followLink();

const on = (id, type, action) => $(id).addEventListener(type, action);
const repaint = () => maps.forEach((map) => map.paint());
on("colour", "change", refresh);
on("walls", "change", repaint);
on("pick", "change", () => toggle(state.open));
on("play", "click", () => (state.playing ? pause() : play()));
on("find", "submit", (event) => event.preventDefault() || findFrame());
on("person", "change", findFrame);
on("time", "input", () => (stop(), showFrame(framesOf[$("person").value][$("time").value], true)));
on("time", "change", () => openNode(node[state.image]));
on("export", "click", () => download(new Blob([csv()], { type: "text/csv" }), "facesom-faces.csv"));
on("picture", "click", () => picture().toBlob((blob) => download(blob, "facesom-map.png")));
window.addEventListener("hashchange", followLink);
on("clear", "click", () => [...state.selected].forEach(toggle));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
