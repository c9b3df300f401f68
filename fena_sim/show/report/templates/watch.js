/* Follows a run: asks for its state once a second, the list of runs every five. What it asks for bears the token of the page's own
   address. */
const at = (id) => document.getElementById(id), LOGARITHMIC = ["error", "precision"], EVERY = 1000,
  TOKEN = new URLSearchParams(location.search).get("token");
let state = null, chosen = "", asked = 0, failures = 0;

function place(run, wanted) {
  /* Where each block begins on an axis of the run's tokens. */
  const starts = {};
  let sum = 0;
  for (const block of run.blocks) if (!wanted || block.name === wanted) { starts[block.name] = sum; sum += block.tokens; }
  return { starts, sum };
}

function curves(run, quantity, wanted) {
  const { starts } = place(run, wanted), found = new Map();
  for (const block of run.blocks) {
    if (!(block.name in starts)) continue;
    for (const [name, points] of Object.entries(block.history)) {
      const match = /^(.*?)(?: (\d+))?$/.exec(name);
      if (match[1] !== quantity) continue;
      const level = match[2] === undefined ? null : Number(match[2]);
      if (!found.has(level)) found.set(level, []);
      found.get(level).push(points.map(([token, value]) => [starts[block.name] + token, value]));
    }
  }
  return [...found].sort((a, b) => a[0] - b[0]);
}

function drawChart(figure, run) {
  const quantity = figure.dataset.quantity, wanted = at("block").value, lines = curves(run, quantity, wanted);
  figure.hidden = !lines.some(([, pieces]) => pieces.some((points) => points.length));
  if (figure.hidden) return;
  const log = LOGARITHMIC.includes(quantity), usable = (v) => v !== null && (!log || v > 0), scale = log ? Math.log10 : (v) => v;
  const { context, width, height } = prepare(figure.querySelector("canvas"), 190);
  const { starts, sum } = place(run, wanted), left = 58, right = width - 10, top = 10, bottom = height - 32;
  const values = lines.flatMap(([, pieces]) => pieces.flat().map((point) => point[1])).filter(usable).map(scale);
  values.sort((a, b) => a - b);
  let low = values[Math.floor(0.01 * values.length)], high = values[values.length - 1];  // an omitted token leaves no error to speak of
  if (quantity === "iterations") low = Math.min(low, 0);
  if (!(high - low > 1e-9 * Math.max(1, Math.abs(high)))) { low -= 1; high += 1; }
  const x = (token) => left + token / Math.max(1, sum) * (right - left), y = (v) => bottom - (scale(v) - low) / (high - low) * (bottom - top);
  context.strokeStyle = colour("line");
  context.strokeRect(left, top, right - left, bottom - top);
  context.setLineDash([4, 3]);
  for (const start of Object.values(starts)) if (start) { context.beginPath(); context.moveTo(x(start), top); context.lineTo(x(start), bottom); context.stroke(); }
  context.setLineDash([]);
  context.fillStyle = colour("soft");
  context.textAlign = "right";
  const marks = log ? decades(low, high) : ticks(low, high, 4);
  for (const mark of marks) context.fillText(text(mark), left - 6, y(mark) + 4);
  context.textAlign = "center";
  for (const mark of ticks(0, sum, 5)) context.fillText(mark.toLocaleString("en"), x(mark), bottom + 15);
  context.fillText("tokens", (left + right) / 2, bottom + 29);
  const latest = [];
  context.lineWidth = 1.6;
  context.save();
  context.beginPath();
  context.rect(left, top - 1, right - left, bottom - top + 2);
  context.clip();
  for (const [level, pieces] of lines) {
    context.strokeStyle = context.fillStyle = level === null ? colour("ink") : levelColour(level);
    let last = null;
    for (const points of pieces) {
      context.beginPath();
      let pen = false;
      for (const [token, value] of points) {
        if (!usable(value)) { pen = false; continue; }
        if (pen) context.lineTo(x(token), y(value)); else context.moveTo(x(token), y(value));
        pen = true;
        last = value;
      }
      context.stroke();
      if (points.length === 1 && usable(points[0][1])) context.fillRect(x(points[0][0]) - 1.5, y(points[0][1]) - 1.5, 3, 3);
    }
    latest.push((level === null ? "" : "level " + level + " ") + text(last));
  }
  context.restore();
  figure.querySelector("[data-latest]").textContent = latest.join(", ");
}

/* Round numbers on a logarithmic axis between two powers of ten: few powers have 2 and 5 between them. */
function decades(low, high) {
  const found = [], every = Math.max(1, Math.ceil((high - low) / 5));
  for (let p = Math.floor(low); p <= high; p++) {
    for (const m of high - low > 2.5 ? [1] : [1, 2, 5]) {
      const at = p + Math.log10(m);
      if (at >= low && at <= high && p % every === 0) found.push(m * Math.pow(10, p));
    }
  }
  return found;
}

function duration(seconds) {
  const s = Math.round(seconds), h = Math.floor(s / 3600), m = Math.floor(s % 3600 / 60);
  return (h ? h + " h " : "") + (h || m ? m + " min " : "") + (h ? "" : s % 60 + " s");
}

function options(select, entries) {
  const kept = select.value, wanted = JSON.stringify(entries);
  if (select.dataset.entries === wanted) return;
  select.dataset.entries = wanted;
  select.replaceChildren(...entries.map(([value, label]) => new Option(label, value)));
  if (entries.some(([value]) => value === kept)) select.value = kept;
}

function show() {
  const run = state;
  if (!run) return;
  at("title").textContent = run.title + ", seed " + run.seed;
  document.title = Math.floor(100 * run.done / run.total) + " % " + run.title;
  const block = run.blocks.find((b) => b.name === run.block);
  const words = run.kind === "running" && block && !block.done ? "running, building the network or in the first chunk" : run.status;
  if (at("status").textContent !== words) at("status").textContent = words;
  at("status").className = "status-" + run.kind;
  at("progress").value = run.done / run.total;
  const facts = { "in-block": block ? block.name : "–", token: block ? block.done.toLocaleString("en") + " of " + block.tokens.toLocaleString("en") : "–",
    done: run.done.toLocaleString("en") + " of " + run.total.toLocaleString("en") + " (" + Math.floor(100 * run.done / run.total) + " %)",
    rate: run.rate === null ? "–" : text(run.rate) + " tokens/s", left: run.left === null ? "–" : duration(run.left),
    device: run.device + (run.batch > 1 ? ", " + run.batch + " streams" : ""), started: run.started.replace("T", " "), sessions: String(run.sessions) };
  for (const [id, words] of Object.entries(facts)) at(id).textContent = words;
  at("blocks").replaceChildren(...run.blocks.map((b) => {
    const row = document.createElement("tr"), name = document.createElement("th"), all = document.createElement("td"), done = document.createElement("td");
    name.scope = "row";
    name.textContent = b.name;
    all.textContent = b.tokens.toLocaleString("en");
    done.textContent = Math.floor(100 * b.done / b.tokens) + " %";
    if (b.name === run.block) row.setAttribute("aria-current", "step");
    row.append(name, all, done);
    return row;
  }));
  options(at("block"), [["", "the whole run"], ...run.blocks.map((b) => [b.name, b.name])]);
  const levels = [...new Set(run.blocks.flatMap((b) => Object.keys(b.history)).map((n) => /(\d+)$/.exec(n)).filter(Boolean).map((m) => Number(m[1])))].sort((a, b) => a - b);
  at("legend").replaceChildren(...levels.map((level) => {
    const item = document.createElement("li"), line = document.createElement("i");
    line.style.background = levelColour(level);
    item.append(line, "level " + level);
    return item;
  }));
  at("log").textContent = run.log;
  for (const figure of document.querySelectorAll("[data-quantity]")) drawChart(figure, run);
}

async function ask(address) {
  const answer = await fetch(address, { cache: "no-store", headers: { Authorization: "Bearer " + TOKEN } });
  if (answer.status === 403) throw new Error("fena watch was started again: open the address that it printed then.");
  if (!answer.ok) throw new Error((await answer.json()).error);
  return answer.json();
}

function complain(words) { at("problem").textContent = words; at("problem").hidden = !words; }

async function look() {
  try {
    if (asked % 5 === 0 || !chosen) {
      const { runs } = await ask("runs");
      options(at("run"), runs.map((run) => [run.key, run.label]));
      if (!runs.some((run) => run.key === chosen)) { chosen = runs.length ? runs[0].key : ""; at("run").value = chosen; }
    }
    asked += 1;
    if (chosen) { state = await ask("state?run=" + encodeURIComponent(chosen)); show(); }
    failures = 0;
    complain("");
  } catch (error) {
    failures += 1;
    complain(error instanceof TypeError ? "fena watch does not answer; was it ended? Trying again." : error.message);
  }
  setTimeout(look, Math.min(10, 1 + failures) * EVERY);
}

at("run").addEventListener("change", async () => { chosen = at("run").value; try { state = await ask("state?run=" + encodeURIComponent(chosen)); show(); } catch (error) { complain(error.message); } });
at("block").addEventListener("change", show);
addEventListener("resize", show);
startTheme(show);
look();
