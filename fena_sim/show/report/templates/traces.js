/* The viewer of recorded traces: one canvas with a row per recorded variable, tokens as grey spans. */
function bytes(base64) {
  const raw = atob(base64), found = new Uint8Array(raw.length);
  for (let k = 0; k < raw.length; k++) found[k] = raw.charCodeAt(k);
  return found.buffer;
}

const LEFT = 58, RIGHT = 16, TOP = 22, ROW = 116, GAP = 19, AXIS = 34, SHORTEST = 4;

class Viewer {
  constructor(root, blocks) {
    this.root = root;
    this.blocks = blocks;
    this.canvas = root.querySelector("canvas");
    this.plot = root.querySelector(".plot");
    this.fields = {};
    for (const field of root.querySelectorAll("select")) {
      this.fields[field.name] = field;
      field.addEventListener("change", () => this.changed(field.name));
    }
    for (const button of root.querySelectorAll("button")) button.addEventListener("click", () => this.act(button.value));
    this.plot.addEventListener("keydown", (event) => this.key(event));
    this.plot.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.followPointers();
    new ResizeObserver(() => this.draw()).observe(this.plot);
    this.fill("block", blocks.map((block, k) => [k, block.name]));
    this.openBlock();
  }

  fill(name, entries) {
    this.fields[name].replaceChildren(...entries.map(([value, label]) => new Option(label, value)));
  }

  openBlock() {
    this.block = this.blocks[Number(this.fields.block.value)];
    const times = this.block.times.map((coded) => (typeof coded === "string" ? new Float32Array(bytes(coded)) : coded));
    this.block.times = times;
    for (const series of this.block.series) {
      if (series.data) continue;
      series.times = times[series.time];
      series.curveTimes = times[series.curve_time];
      series.codes = new Uint16Array(bytes(series.curve));
      series.data = new Uint8Array(bytes(series.traces));
    }
    for (const spikes of this.block.spikes) {
      spikes.times = spikes.times || new Float32Array(bytes(spikes.time));
      spikes.unitNumbers = spikes.unitNumbers || new Uint32Array(bytes(spikes.unit));
    }
    const all = [...this.block.series, ...this.block.spikes];
    const levels = [...new Set(all.map((series) => series.level))].sort((a, b) => (a === null) - (b === null) || a - b);
    const names = [...new Set(all.map((series) => series.variable || "spikes"))];
    const populations = [...new Set(all.map((series) => series.population))].sort();
    this.fill("level", [["all", "all levels"],
      ...levels.map((level) => ["level:" + level, level === null ? "no level" : "level " + level]),
      ...populations.map((name) => ["population:" + name, "population " + name])]);
    this.fill("variable", [["all", "all variables"], ...names.map((name) => [name, name])]);
    this.fields.variable.value = names.includes("error") ? "error" : "all";
    const tokens = this.block.tokens;
    this.fill("token", [["", "none"], ...tokens.symbol.map((symbol, k) => [k, k + ": " + (symbol === null ? "omitted" : symbol)])]);
    const ends = all.flatMap((s) => [s.times[0], s.times[s.times.length - 1]]).filter(Number.isFinite);
    this.from = Math.min(0, ...ends);
    this.to = Math.max(this.from + SHORTEST, ...ends);
    this.token = null;
    this.cursor = null;
    this.view = [this.from, Math.min(this.to, this.from + (tokens.blank[12] || this.to - this.from))];
    this.draw();
  }

  changed(name) {
    if (name === "block") this.openBlock();
    else if (name === "token") this.pick(this.fields.token.value === "" ? null : Number(this.fields.token.value));
    else this.draw();
  }

  /* Show a token with a neighbour on either side. */
  pick(token, keep) {
    const tokens = this.block.tokens, last = tokens.blank.length - 1;
    this.token = token === null ? null : Math.min(Math.max(token, 0), last);
    this.fields.token.value = this.token === null ? "" : String(this.token);
    if (this.token !== null && !keep) {
      const first = Math.max(0, this.token - 1), final = Math.min(last, this.token + 1);
      this.show(tokens.blank[first], tokens.onset[final] + tokens.duration[final]);
    } else this.draw();
  }

  show(from, to) {
    let span = Math.min(Math.max(to - from, SHORTEST), this.to - this.from);
    from = Math.min(Math.max(from, this.from), this.to - span);
    this.view = [from, from + span];
    this.draw();
  }

  zoom(factor, about) {
    const [from, to] = this.view, centre = about === undefined ? (from + to) / 2 : about;
    this.show(centre - (centre - from) * factor, centre - (centre - from) * factor + (to - from) * factor);
  }

  move(share) { const [from, to] = this.view, by = (to - from) * share; this.show(from + by, to + by); }

  act(name) {
    if (name === "in") this.zoom(0.5);
    else if (name === "out") this.zoom(2);
    else if (name === "left") this.move(-0.5);
    else if (name === "right") this.move(0.5);
    else if (name === "whole") this.show(this.from, this.to);
    else if (name === "previous") this.pick(this.token === null ? 0 : this.token - 1);
    else if (name === "next") this.pick(this.token === null ? 0 : this.token + 1);
  }

  key(event) {
    const actions = { "+": "in", "=": "in", "-": "out", ArrowLeft: "left", ArrowRight: "right", Home: "whole", "0": "whole",
      "[": "previous", "]": "next", p: "previous", n: "next" };
    if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in actions)) return;
    event.preventDefault();
    this.act(actions[event.key]);
  }

  /* A plain wheel scrolls the page until the plot was clicked or reached by Tab. */
  wheel(event) {
    if (document.activeElement !== this.plot && !event.ctrlKey) return;
    event.preventDefault();
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) this.move(event.deltaX / 1000);
    else this.zoom(Math.exp(Math.max(-100, Math.min(100, event.deltaY)) / 300), this.timeAt(event.clientX));
  }

  timeAt(clientX) {
    const box = this.canvas.getBoundingClientRect(), share = (clientX - box.left - LEFT) / (box.width - LEFT - RIGHT);
    return this.view[0] + Math.min(Math.max(share, 0), 1) * (this.view[1] - this.view[0]);
  }

  followPointers() {
    let start = null;
    this.canvas.addEventListener("pointerdown", (event) => {
      start = { x: event.clientX, view: this.view, moved: false };
      this.canvas.setPointerCapture(event.pointerId);
    });
    this.canvas.addEventListener("pointermove", (event) => {
      if (start && Math.abs(event.clientX - start.x) > 4) start.moved = true;
      if (start && start.moved) {
        const [from, to] = start.view, by = (start.x - event.clientX) / (this.canvas.clientWidth - LEFT - RIGHT) * (to - from);
        this.show(from + by, to + by);
      } else { this.cursor = this.timeAt(event.clientX); this.draw(); }
    });
    this.canvas.addEventListener("pointerup", (event) => {
      if (start && !start.moved) this.pick(this.tokenAt(this.timeAt(event.clientX)), true);
      start = null;
    });
    this.canvas.addEventListener("pointercancel", () => { start = null; });
    this.canvas.addEventListener("pointerleave", () => { this.cursor = null; this.draw(); });
  }

  tokenAt(time) {
    const blank = this.block.tokens.blank;
    let low = 0, high = blank.length;
    while (low < high) { const middle = (low + high) >> 1; if (blank[middle] <= time) low = middle + 1; else high = middle; }
    return low ? low - 1 : null;
  }

  rows() {
    const level = this.fields.level.value, variable = this.fields.variable.value;
    const inLevel = (s) => level === "all" || level === "level:" + s.level || level === "population:" + s.population;
    const rows = [...this.block.series, ...this.block.spikes].filter(inLevel);
    const narrowed = rows.filter((s) => variable === "all" || variable === (s.variable || "spikes"));
    return narrowed.sort((a, b) => (b.level === null ? -1 : b.level) - (a.level === null ? -1 : a.level));
  }

  draw() {
    const rows = this.rows();
    const { context, width, height } = prepare(this.canvas, TOP + Math.max(1, rows.length) * (ROW + GAP) + AXIS);
    const right = width - RIGHT, bottom = height - AXIS, [from, to] = this.view;
    const x = (time) => LEFT + (time - from) / (to - from) * (right - LEFT);
    context.save();
    context.beginPath();
    context.rect(LEFT, 0, right - LEFT, height);
    context.clip();
    this.drawTokens(context, x, bottom);
    context.restore();
    rows.forEach((series, k) => {
      const top = TOP + k * (ROW + GAP) + GAP;
      if (series.variable) this.drawSeries(context, series, x, top, right);
      else this.drawSpikes(context, series, x, top, right);
    });
    context.fillStyle = context.strokeStyle = colour("soft");
    if (!rows.length) context.fillText("Nothing was recorded of this choice.", LEFT + 8, TOP + 40);
    context.textAlign = "center";
    context.lineWidth = 1;
    for (const tick of ticks(from, to, Math.max(2, (right - LEFT) / 90))) {
      context.beginPath(); context.moveTo(x(tick), bottom); context.lineTo(x(tick), bottom + 4); context.stroke();
      context.fillText(text(tick, 6), x(tick), bottom + 17);
    }
    context.fillText("time since the block's start (ms)", (LEFT + right) / 2, bottom + 31);
    if (this.cursor !== null) {
      context.strokeStyle = colour("ink");
      context.setLineDash([3, 3]);
      context.beginPath(); context.moveTo(x(this.cursor), TOP); context.lineTo(x(this.cursor), bottom); context.stroke();
      context.setLineDash([]);
    }
    this.tell(rows);
  }

  drawTokens(context, x, bottom) {
    const tokens = this.block.tokens, [from, to] = this.view;
    const first = Math.max(0, this.tokenAt(from) || 0);
    context.textAlign = "center";
    for (let k = first; k < tokens.blank.length && tokens.blank[k] < to; k++) {
      const begin = x(tokens.onset[k]), end = x(tokens.onset[k] + tokens.duration[k]);
      context.fillStyle = colour(k === this.token ? "picked" : "token");
      if (k === this.token) context.fillRect(x(tokens.blank[k]), TOP, end - x(tokens.blank[k]), bottom - TOP);
      if (tokens.symbol[k] !== null) context.fillRect(begin, TOP, end - begin, bottom - TOP);
      else {
        context.strokeStyle = colour("soft");
        context.setLineDash([4, 3]); context.strokeRect(begin, TOP, end - begin, bottom - TOP); context.setLineDash([]);
      }
      const name = tokens.symbol[k] === null ? "omitted" : tokens.symbol[k];
      context.fillStyle = colour("ink");
      if (context.measureText(name).width < end - begin + 4) context.fillText(name, (begin + end) / 2, 14);
    }
  }

  drawSeries(context, series, x, top, right) {
    const mode = this.fields.units.value, map = mode === "map" && series.data.length, shade = levelColour(series.level);
    const span = series.high - series.low || 1;
    const y = (value) => top + ROW - (value - series.low) / span * ROW;
    this.frame(context, series, top, right, map ? null : y);
    context.save();
    context.beginPath(); context.rect(LEFT, top - 2, right - LEFT, ROW + 4); context.clip();
    if (map) this.drawMap(context, series, x, top);
    else {
      if (mode === "lines" && series.data.length) {
        context.strokeStyle = shade; context.lineWidth = 0.6; context.globalAlpha = 0.35;
        const n = series.times.length, gap = this.gap(series.times);
        for (let u = 0; u < series.units.length; u++) {
          this.line(context, series.times, series.data, u * n, 255, gap, (code) => top + ROW - code / 254 * ROW, x);
        }
        context.globalAlpha = 1;
      }
      context.strokeStyle = shade; context.lineWidth = 2;
      this.line(context, series.curveTimes, series.codes, 0, 65535, this.gap(series.curveTimes), (code) => top + ROW - code / 65534 * ROW, x);
    }
    context.restore();
  }

  frame(context, series, top, right, y) {
    context.strokeStyle = colour("line"); context.lineWidth = 1;
    context.strokeRect(LEFT, top, right - LEFT, ROW);
    context.textAlign = "right"; context.fillStyle = colour("soft");
    if (y) for (const tick of ticks(series.low, series.high, 3)) context.fillText(text(tick), LEFT - 6, y(tick) + 4);
    context.textAlign = "left"; context.fillStyle = levelColour(series.level);
    context.fillText(this.title(series), LEFT + 2, top - 6);
  }

  title(series) {
    const level = series.level === null ? "" : "level " + series.level + ", ";
    if (!series.variable) return level + "spikes of " + series.population;
    const unit = series.unit === "1" ? "" : " (" + series.unit + ")";
    const count = series.all === 1 ? "" : series.units.length === series.all ? ", " + series.all + " units"
      : ", " + series.units.length + " of " + series.all + " units";
    return level + series.name + unit + count;
  }

  /* A line through coded values; of many points in one pixel only lowest and highest. Broken where nothing was recorded. */
  line(context, times, codes, offset, missing, gap, y, x) {
    const first = this.firstAfter(times, this.view[0]), last = Math.min(times.length, this.firstAfter(times, this.view[1]) + 1);
    context.beginPath();
    let pen = false, column = null, low = 0, high = 0, before = null;
    const flush = () => { if (column !== null && low !== high) { context.lineTo(column, y(low)); context.lineTo(column, y(high)); } };
    for (let k = Math.max(0, first - 1); k < last; k++) {
      const code = codes[offset + k];
      if (code === missing || (before !== null && times[k] - before > gap)) pen = false;
      before = times[k];
      if (code === missing) continue;
      const here = Math.round(x(times[k]) * 2) / 2;
      if (pen && here === column) { low = Math.min(low, code); high = Math.max(high, code); continue; }
      flush();
      if (pen) context.lineTo(here, y(code)); else context.moveTo(here, y(code));
      pen = true; column = here; low = high = code;
    }
    flush();
    context.stroke();
  }

  /* Longer steps than this between two samples are gaps in the recording. */
  gap(times) {
    const steps = [];
    for (let k = 1; k < Math.min(times.length, 400); k++) steps.push(times[k] - times[k - 1]);
    steps.sort((a, b) => a - b);
    return steps.length ? 1.6 * steps[Math.floor(steps.length * 0.7)] : Infinity;
  }

  firstAfter(times, time) {
    let low = 0, high = times.length;
    while (low < high) { const middle = (low + high) >> 1; if (times[middle] < time) low = middle + 1; else high = middle; }
    return low;
  }

  /* One line of pixels per unit: from blue over the paper to vermilion by the square root of the value, which also shows
     the small ones; the paper stands for 0 where values have both signs. Broken where nothing was recorded. */
  drawMap(context, series, x, top) {
    const n = series.times.length, units = series.units.length;
    const first = Math.max(0, this.firstAfter(series.times, this.view[0]) - 1);
    const last = Math.min(n, this.firstAfter(series.times, this.view[1]) + 1);
    const parse = (name) => { const c = colour(name).replace("#", "").replace(/^(.)(.)(.)$/, "$1$1$2$2$3$3");
      return [0, 2, 4].map((k) => parseInt(c.slice(k, k + 2), 16)); };
    const [paper, low, high] = ["paper", "low", "high"].map(parse);
    const zero = series.low < 0 && series.high > 0 ? -series.low / (series.high - series.low) * 254 : series.high > 0 ? 0 : 254;
    const reach = Math.max(zero, 254 - zero), table = [];
    for (let code = 0; code < 256; code++) {
      const share = Math.sqrt(Math.min(1, Math.abs(code - zero) / reach)), end = code < zero ? low : high;
      table.push(paper.map((p, k) => Math.round(p + (end[k] - p) * share)));
    }
    const columns = Math.max(1, last - first), image = new ImageData(columns, units);
    for (let u = 0; u < units; u++) for (let k = 0; k < columns; k++) {
      const rgb = table[series.data[u * n + first + k]], at = 4 * (u * columns + k);
      image.data[at] = rgb[0]; image.data[at + 1] = rgb[1]; image.data[at + 2] = rgb[2]; image.data[at + 3] = 255;
    }
    const sheet = document.createElement("canvas");
    sheet.width = columns; sheet.height = units;
    sheet.getContext("2d").putImageData(image, 0, 0);
    context.imageSmoothingEnabled = false;
    const gap = this.gap(series.times), usual = Number.isFinite(gap) ? x(gap / 1.6) - x(0) : 1;
    for (let from = first, k = first + 1; k <= last; k++) {  // one picture for each stretch without a gap
      if (k < last && series.times[k] - series.times[k - 1] <= gap) continue;
      const begin = x(series.times[from]), step = k - from > 1 ? (x(series.times[k - 1]) - begin) / (k - from - 1) : usual;
      context.drawImage(sheet, from - first, 0, k - from, units, begin, top, step * (k - from), ROW);
      from = k;
    }
  }

  drawSpikes(context, spikes, x, top, right) {
    this.frame(context, { ...spikes, low: 0, high: 1 }, top, right, null);
    const most = spikes.unitNumbers.reduce((a, b) => Math.max(a, b), 0) + 1;
    context.fillStyle = levelColour(spikes.level);
    for (let k = this.firstAfter(spikes.times, this.view[0]); k < spikes.times.length && spikes.times[k] <= this.view[1]; k++) {
      context.fillRect(x(spikes.times[k]) - 0.5, top + ROW - (spikes.unitNumbers[k] + 1) / most * ROW, 1.5, Math.max(2, ROW / most - 1));
    }
  }

  /* What stands under the cursor, and what was kept of the picked token, in words. */
  tell(rows) {
    const tokens = this.block.tokens, parts = [];
    if (this.cursor !== null) {
      const name = this.tokenAt(this.cursor);
      parts.push(text(this.cursor, 6) + " ms" + (name === null ? "" : ", token " + name + " (" + (tokens.symbol[name] === null ? "omitted" : tokens.symbol[name]) + ")"));
      for (const s of rows) {
        if (!s.variable) continue;
        const k = Math.min(this.firstAfter(s.curveTimes, this.cursor), s.codes.length - 1);
        parts.push(s.name + " " + (s.codes[k] === 65535 ? "–" : text(s.low + s.codes[k] / 65534 * (s.high - s.low))));
      }
    }
    this.root.querySelector("[data-cursor]").textContent = parts.join("; ");
    const about = this.root.querySelector("[data-token]"), t = this.token;
    if (t === null) { about.textContent = "No token is picked."; return; }
    const said = ["Token " + t + ": " + (tokens.symbol[t] === null ? "omitted" : tokens.symbol[t]), "onset at " + text(tokens.onset[t], 6) + " ms for " +
      text(tokens.duration[t]) + " ms", tokens.iterations[t] + " settling iterations"];
    for (const [name, label] of [["onset_error", "squared error at the first step"], ["error", "mean over the presentation"],
      ["settled_error", "at the last step"], ["precision", "precision"]]) {
      if (tokens[name]) said.push(label + " " + tokens[name][t].map((v, level) => "L" + level + " " + text(v)).join(", "));
    }
    for (const [name, values] of Object.entries(tokens.labels)) said.push(name + " " + values[t]);
    about.textContent = said.join("; ") + ".";
  }
}

const viewers = [];
const stored = document.getElementById("data");
if (stored) {
  const data = JSON.parse(stored.textContent);
  for (const root of document.querySelectorAll("[data-viewer]")) viewers.push(new Viewer(root, data[Number(root.dataset.viewer)]));
}
startTheme(() => viewers.forEach((viewer) => viewer.draw()));
