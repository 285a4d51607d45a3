// Draws what /state.json and /timeline.json say. Every text goes in as text, never as HTML.
"use strict";

const STATE_MS = 1000;
const TIMELINE_MS = 10000;
const LABELS = ["music", "speech", "noise", "silence"];
const LETTERS = { music: "M", speech: "S", noise: "N", silence: "–" };
const LEVEL_FLOOR_DBFS = -60;

const cards = new Map();
let newestTimeline = null;
let failedSince = null;

const byId = (id) => document.getElementById(id);

function make(tag, classes, text) {
  const element = document.createElement(tag);
  if (classes) element.className = classes;
  if (text !== undefined) element.textContent = text;
  return element;
}

// Only what changed touches the page: screen readers and selections stay undisturbed.
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// Hours run to 24, dates are written as in the log, whatever the browser's language.
const clock = (time) => time.toLocaleTimeString("sv-SE");
const hourAndMinute = (time) => clock(time).slice(0, 5);
const dateAndTime = (time) => time.toLocaleString("sv-SE");

function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (number) => String(number).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)}:${two(whole % 60)}`;
  const hours = `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
  return hours;
}

function number(value, digits = 1) {
  return value === null || value === undefined ? "–" : value.toFixed(digits).replace("-", "−");
}

function newCard(source) {
  const card = byId("card").content.firstElementChild.cloneNode(true);
  card.querySelector(".name").textContent = source.name;
  card.querySelector(".name").title = source.name;
  byId("sources").append(card);
  cards.set(source.name, card);
  return card;
}

function condition(source) {
  const raised = Object.entries(source.alarms);
  const worst = raised.find(([, severity]) => severity === "alarm") ?? raised[0];
  if (source.condition === "up" && worst) return [worst[0].replaceAll("_", " "), worst[1]];
  if (source.condition === "up" && source.silent) return ["only zeros", "warn"];
  return {
    up: ["on air", "good"], waiting: ["waiting", "warn"],
    lost: ["lost", "alarm"], ended: ["ended", "quiet"],
  }[source.condition];
}

function words(source, now) {
  const parts = [];
  // A voice over a bed is a voice first.
  for (const label of ["speech", "music", "noise", "silence"]) {
    if (label in source.on) parts.push(make("span", `word ${label}`, label.toUpperCase()));
  }
  if (!parts.length) {
    const text = { up: "nothing yet", lost: "no sound", waiting: "waiting for sound", ended: "over" };
    return [make("span", "word none", text[source.condition])];
  }
  const first = Object.values(source.on).map((time) => new Date(time)).sort((a, b) => b - a)[0];
  parts.push(make("span", "since", `for ${duration((now - first) / 1000)}`));
  return parts;
}

function showBars(card, source) {
  const bars = card.querySelector(".bars");
  if (bars.children.length !== source.classes.length) {
    bars.replaceChildren(...source.classes.map((label) => {
      const row = make("div", "meter");
      const track = make("span", "track");
      track.append(make("span", `fill ${label}`));
      row.append(make("span", "key", label), track, make("span", "value"));
      return row;
    }));
  }
  source.classes.forEach((label, index) => {
    const value = source.probability[label] ?? 0;
    bars.children[index].querySelector(".fill").style.width = `${value * 100}%`;
    setText(bars.children[index].querySelector(".value"), value.toFixed(2));
  });
}

function showSource(source, now) {
  const card = cards.get(source.name) ?? newCard(source);
  const [text, kind] = condition(source);
  const badge = card.querySelector(".condition");
  badge.className = `badge condition ${kind}`;
  setText(badge, text);
  const severities = Object.values(source.alarms);
  card.classList.toggle("raised", severities.includes("alarm") || source.condition === "lost");
  card.classList.toggle("old", source.condition !== "up");
  card.querySelector(".words").replaceChildren(...words(source, now));
  showBars(card, source);
  const level = source.level_dbfs;
  const share = level === null ? 0 : 1 - Math.max(LEVEL_FLOOR_DBFS, Math.min(0, level)) / LEVEL_FLOOR_DBFS;
  card.querySelector(".meter:not(.bars .meter) .fill").style.width = `${share * 100}%`;
  setText(card.querySelector(".level"), `${number(level)} dBFS`);
  const { momentary, short_term: shortTerm, integrated } = source.lufs;
  setText(card.querySelector(".loudness"),
    `Loudness M ${number(momentary)}  S ${number(shortTerm)}  I ${number(integrated)} LUFS`);
  const facts = [source.format];
  if (source.reason && source.condition !== "up") facts.push(source.reason);
  if (source.gaps) facts.push(`lost ${source.gaps} times, ${duration(source.gap_s)} in all`);
  if (source.dropped_s) facts.push(`${source.dropped_s} s dropped`);
  if (source.drift_ppm !== null) facts.push(`clock ${source.drift_ppm.toFixed(1)} ppm fast`);
  if (source.queue_s > 1) facts.push(`${source.queue_s} s wait for the network`);
  setText(card.querySelector(".facts"), facts.filter(Boolean).join(" · "));
}

function showAlarms(alarms) {
  const sorted = [...alarms.filter((alarm) => !alarm.cleared), ...alarms.filter((alarm) => alarm.cleared)];
  byId("alarms").replaceChildren(...sorted.map((alarm) => {
    const item = make("li", alarm.cleared ? "over" : alarm.severity);
    const raised = new Date(alarm.raised);
    const seen = alarm.acknowledged ? ", seen" : "";
    const mark = alarm.cleared ? "✓ over" : alarm.severity === "warn" ? "! warning" : "‼ alarm";
    const until = alarm.cleared
      ? `${dateAndTime(raised)} for ${duration((new Date(alarm.cleared) - raised) / 1000)}`
      : `since ${dateAndTime(raised)}`;
    item.append(make("span", "mark", mark), make("span", "", alarm.text),
      make("span", "when", `${alarm.source}, ${alarm.rule.replaceAll("_", " ")}, ${until}${seen}`));
    return item;
  }));
  if (!alarms.length) byId("alarms").append(make("li", "", "none so far"));
}

function showState(state) {
  const now = new Date(state.now);
  setText(byId("clock"), clock(now));
  byId("clock").dateTime = state.now;
  setText(byId("facts"), `${state.model}, ${state.realtime_factor}× real time, running for ` +
    `${duration((now - new Date(state.began)) / 1000)}, version ${state.version}`);
  const raised = state.alarms.filter((alarm) => !alarm.cleared);
  const lost = state.sources.some((source) => source.condition === "lost");
  const worst = lost || raised.some((alarm) => alarm.severity === "alarm") ? "alarm"
    : raised.length || !state.ok ? "warn" : "good";
  const count = raised.length + (state.ok ? 0 : state.problems.length);
  const badge = byId("health");
  badge.className = `badge ${worst}`;
  setText(badge, count === 0 ? "✓ all well" : `${worst === "alarm" ? "‼" : "!"} ${count} to look at`);
  document.title = count === 0 ? "streamseg" : `(${count}) streamseg`;
  byId("problem-section").hidden = state.ok;
  byId("problems").replaceChildren(...state.problems.map((text) => make("li", "", text)));
  for (const source of state.sources) showSource(source, now);
  showAlarms(state.alarms);
}

function hatch(context, label, colour) {
  if (label !== "speech" && label !== "noise") return colour;
  const tile = document.createElement("canvas");
  tile.width = tile.height = 6;
  const pen = tile.getContext("2d");
  pen.fillStyle = colour;
  pen.fillRect(0, 0, 6, 6);
  pen.strokeStyle = pen.fillStyle = "rgba(0, 0, 0, 0.35)";
  if (label === "speech") {
    pen.beginPath();
    for (const x of [-6, 0, 6]) { pen.moveTo(x, 6); pen.lineTo(x + 6, 0); }
    pen.stroke();
  } else {
    pen.fillRect(1, 1, 2, 2);
    pen.fillRect(4, 4, 2, 2);
  }
  return context.createPattern(tile, "repeat");
}

function drawStrip(canvas, lanes) {
  const scale = window.devicePixelRatio || 1;
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  const gutter = 16;
  const laneHeight = height / LABELS.length;
  pen.font = "11px sans-serif";
  pen.textBaseline = "middle";
  const spoken = [];
  LABELS.forEach((label, row) => {
    const cells = lanes[label];
    const step = (width - gutter) / cells.length;
    const top = row * laneHeight;
    pen.fillStyle = colour("faint");
    pen.fillText(LETTERS[label], 4, top + laneHeight / 2);
    pen.fillStyle = hatch(pen, label, colour(label === "silence" ? "strip-silence" : label));
    let total = 0;
    for (let index = 0; index < cells.length; index += 1) {
      const share = Number(cells[index]) / 9;
      total += share;
      if (share === 0) continue;
      const tall = (laneHeight - 4) * share;
      pen.fillRect(gutter + index * step, top + laneHeight - 2 - tall, step + 0.5, tall);
    }
    spoken.push(`${label} ${Math.round((total * newestTimeline.cell_s) / 60)} minutes`);
  });
  pen.fillStyle = colour("line");
  for (let row = 1; row < LABELS.length; row += 1) pen.fillRect(gutter, row * laneHeight, width, 1);
  canvas.setAttribute("aria-label", `The last hour: ${spoken.join(", ")}`);
}

function showTimeline() {
  if (newestTimeline === null) return;
  const end = new Date(newestTimeline.end);
  for (const [name, lanes] of Object.entries(newestTimeline.sources)) {
    const card = cards.get(name);
    if (card === undefined) continue;
    drawStrip(card.querySelector(".strip"), lanes);
    [...card.querySelector(".axis").children].forEach((mark, index) => {
      const at = new Date(end - (4 - index) * 15 * 60000);
      setText(mark, hourAndMinute(at));
    });
  }
}

async function ask(path) {
  const answer = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(5000) });
  if (answer.status === 401) window.location.reload();
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}

function answered(well) {
  failedSince = well ? null : failedSince ?? new Date();
  document.body.classList.toggle("stale", !well);
  byId("banner").hidden = well;
  if (!well) setText(byId("banner"), `No answer from streamseg since ${clock(failedSince)}: what is below is old`);
}

async function every(milliseconds, work) {
  for (;;) {
    if (!document.hidden) {
      try {
        await work();
        answered(true);
      } catch {
        answered(false);
      }
    }
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
  }
}

every(STATE_MS, async () => {
  const before = cards.size;
  showState(await ask("state.json"));
  if (cards.size !== before) showTimeline();
});
every(TIMELINE_MS, async () => {
  newestTimeline = await ask("timeline.json");
  showTimeline();
});
window.addEventListener("resize", showTimeline);
window.matchMedia("(prefers-color-scheme: light)").addEventListener("change", showTimeline);
