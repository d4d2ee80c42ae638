// Keeps the page of a region as it is now: draws again what the server has drawn, by the same measures
// (src/web/pages/carbon/chart.rs), with each event that comes.

import { listen } from "./stream.js";

const WIDTH = 1000;
const HEIGHT = 240;
const STEPS = [5, 10, 20, 25, 50, 100, 200, 250, 500, 1000];
const HOUR = 3600;
const SVG = "http://www.w3.org/2000/svg";

const page = document.getElementById("carbon");
const at = (id) => document.getElementById(id);
const { zone, feed, set, order } = page.dataset;
const staleAfter = Number(page.dataset.staleAfter);
const points = new Map(JSON.parse(page.dataset.points).map(([start, secs, value]) => [start, { start, secs, value }]));
let forecast = JSON.parse(page.dataset.forecast).map(([start, secs, value]) => ({ start, secs, value }));
let fuelStart = -Infinity;
const shown = { consumed: -Infinity, marginal: -Infinity };

const seconds = (instant) => Math.floor(Date.parse(instant) / 1000);
const clock = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const zoned = new Intl.DateTimeFormat("en-US", { timeZone: zone, timeZoneName: "short" });
const day = new Intl.DateTimeFormat("en-GB", { timeZone: zone, day: "numeric", month: "short" });
const stamp = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "medium" });
const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 9 });
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

function zoneName(time) {
  return zoned.formatToParts(time * 1000).find((part) => part.type === "timeZoneName").value;
}

function slot({ start, secs }) {
  const end = start + secs;
  return `${day.format(start * 1000)}, ${clock.format(start * 1000)} to ${clock.format(end * 1000)} ${zoneName(end)}`;
}

function age(span) {
  const minutes = Math.floor(span / 60);
  if (minutes < 1) return "less than a minute";
  if (minutes < 120) return `${minutes} min`;
  return minutes < 2880 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 1440)} days`;
}

function made(name, attributes, text) {
  const element = name in { line: 0, text: 0, rect: 0, svg: 0 } ? document.createElementNS(SVG, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

const sorted = () => [...points.values()].sort((a, b) => a.start - b.start);

// --- The number ---

function tellAge() {
  const newest = sorted().at(-1);
  if (!newest) return;
  const span = Date.now() / 1000 - newest.start - newest.secs;
  const words = `${age(span)} ago · ${slot(newest)}`;
  if (at("when").textContent !== words) at("when").textContent = words;
  const stale = span > staleAfter;
  at("stale").hidden = !stale;
  page.querySelector(".carbon-now").classList.toggle("is-stale", stale);
}

function tellNumber() {
  const newest = sorted().at(-1);
  if (newest) at("value").textContent = whole.format(newest.value);
  tellAge();
}

// --- The chart ---

function path(line, frame) {
  let before;
  let drawn = "";
  for (const { start, secs, value } of line) {
    if (start + secs <= frame.from) continue;
    const joined = before === start;
    const x = ((start + secs / 2 - frame.from) / (frame.to - frame.from)) * WIDTH;
    drawn += `${joined ? "L" : "M"}${x.toFixed(1)} ${(HEIGHT - (value / frame.top) * HEIGHT).toFixed(1)}${joined ? "" : "h0"}`;
    before = start + secs;
  }
  return drawn;
}

function frameOf(line) {
  const last = line.length ? line.at(-1).start + line.at(-1).secs : Date.now() / 1000;
  const clockNow = Date.now() / 1000;
  const now = clockNow - last > 24 * HOUR ? last : Math.max(clockNow, last);
  const ahead = forecast.filter(({ start, value }) => value !== null && start >= last && start < now + 24 * HOUR);
  const to = Math.max(now, ahead.length ? ahead.at(-1).start + ahead.at(-1).secs : now);
  const highest = Math.max(1, ...line.map(({ value }) => value), ...ahead.map(({ value }) => value));
  const step = STEPS.find((one) => highest / one <= 4) ?? Math.ceil(highest / 4000) * 1000;
  return { now, from: now - 24 * HOUR, to, step, top: Math.ceil(highest / step) * step, ahead };
}

function lines({ step, top }) {
  const drawn = [];
  for (let value = 0; value <= top; value += step) {
    const y = (HEIGHT - (value / top) * HEIGHT).toFixed(1);
    drawn.push(made("line", { x1: 0, x2: "100%", y1: y, y2: y }));
    if (value > 0) drawn.push(made("text", { x: 2, y, dy: value === top ? 12 : -4 }, String(value)));
  }
  return drawn;
}

function hours({ from, to }) {
  const every = to - from > 30 * HOUR ? 6 : 3;
  const drawn = [];
  for (let time = Math.ceil(from / HOUR) * HOUR; time < to; time += HOUR) {
    const label = clock.format(time * 1000);
    const place = ((time - from) / (to - from)) * 100;
    const fits = Number(label.slice(0, 2)) % every === 0 && label.endsWith(":00") && place >= 3 && place < 97;
    if (fits) drawn.push(made("text", { x: `${place.toFixed(2)}%`, y: 258 }, label));
  }
  return drawn;
}

function draw() {
  const line = sorted();
  const frame = frameOf(line);
  at("lines").replaceChildren(...lines(frame));
  at("hours").replaceChildren(...hours(frame));
  at("measured").setAttribute("d", path(line, frame));
  at("forecast").setAttribute("d", path(frame.ahead, frame));
  const now = `${(((frame.now - frame.from) / (frame.to - frame.from)) * 100).toFixed(2)}%`;
  at("present").setAttribute("x1", now);
  at("present").setAttribute("x2", now);
  at("present").setAttribute("visibility", frame.ahead.length ? "visible" : "hidden");
  at("issued").hidden = frame.ahead.length === 0;
}

function tellRows() {
  const rows = sorted().reverse().map((point) => {
    const row = made("tr");
    row.append(made("td", { class: "nowrap" }, slot(point)), made("td", { class: "num" }, String(point.value)));
    return row;
  });
  at("rows").replaceChildren(...rows);
}

// --- Fuels ---

function tellFuels({ data, source }) {
  const start = seconds(data.start);
  if (start < fuelStart || (page.dataset.fuelFeed && source !== page.dataset.fuelFeed)) return;
  fuelStart = start;
  page.dataset.fuelFeed = source;
  const known = order.split("|");
  const place = (name) => (known.includes(name) ? known.indexOf(name) : known.length);
  const amount = (value) => Math.max(0, value ?? 0);
  const fuels = Object.entries(data.fuels).sort(([a, x], [b, y]) => place(a) - place(b) || amount(y) - amount(x));
  const longest = Math.max(1, ...fuels.map(([, value]) => amount(value)));
  const total = Math.max(1, fuels.reduce((sum, [, value]) => sum + amount(value), 0));
  const megawatts = data.unit === "MW";
  const rows = fuels.map(([name, value]) => {
    const row = made("tr");
    const bar = made("td", { class: "fuel-bar", "aria-hidden": "true" });
    const drawing = made("svg", { width: "100%", height: 14 });
    drawing.append(made("rect", { width: `${((amount(value) / longest) * 100).toFixed(1)}%`, height: 14, rx: 2 }));
    bar.append(drawing);
    const figure = made("td", { class: "num" }, `${value === null ? "–" : grouped.format(value)} `);
    figure.append(made("span", { class: "soft" }, megawatts ? "MW" : "%"));
    const share = megawatts ? `${Math.round((amount(value) / total) * 100)} %` : "";
    row.append(made("th", { scope: "row" }, name.charAt(0).toUpperCase() + name.slice(1)), bar, figure, made("td", { class: "num soft fuel-share" }, share));
    return row;
  });
  at("fuel-rows").replaceChildren(...rows);
  at("fuel-unit").textContent = data.unit;
  at("fuel-slot").textContent = slot({ start, secs: data.secs });
  page.querySelector(".carbon-fuels").hidden = false;
  tellUpdated();
}

// --- Events ---

function tellUpdated() {
  const now = Date.now();
  at("updated").textContent = `${stamp.format(now)} ${zoneName(now / 1000)}`;
}

function tellOther(metric, data) {
  const start = seconds(data.start);
  if (data[metric] === null || !at(metric) || start < shown[metric]) return;
  shown[metric] = start;
  at(metric).textContent = whole.format(data[metric]);
  at(`${metric}-slot`).textContent = slot({ start, secs: data.secs });
}

let drawing;

function tellIntensity({ source, data }) {
  if (source !== feed || data.factor_set !== set) return;
  const start = seconds(data.start);
  const newest = sorted().at(-1);
  // What is not plausible is not shown: no quality stands beside it.
  const suspect = data.quality === "suspect";
  if (suspect) points.delete(start);
  if (!suspect && data.generated !== null && start > (newest?.start ?? 0) - 24 * HOUR) {
    points.set(start, { start, secs: data.secs, value: data.generated });
    const last = Math.max(...points.keys());
    for (const old of points.keys()) if (old <= last - 24 * HOUR) points.delete(old);
  }
  if (!suspect) {
    tellOther("consumed", data);
    tellOther("marginal", data);
  }
  tellUpdated();
  tellNumber();
  // Many slots come at once; one drawing shows them all.
  drawing ??= requestAnimationFrame(() => {
    drawing = undefined;
    draw();
    tellRows();
  });
}

function tellForecast({ data }) {
  forecast = data.points.map(({ start, secs, value }) => ({ start: seconds(start), secs, value }));
  const issued = seconds(data.issued_at);
  at("issued").textContent = `; dashed: forecast of ${day.format(issued * 1000)}, ${clock.format(issued * 1000)} ${zoneName(issued)}`;
  draw();
}

const STATES = {
  live: ["live", "badge good"],
  lost: ["connection lost, trying again", "badge warn"],
  ended: ["not live: load the page again", "badge bad"],
};

function tellState(word) {
  const [text, classes] = STATES[word];
  at("connection").textContent = text;
  at("connection").className = classes;
}

function tellOthersFirst() {
  for (const metric of Object.keys(shown)) {
    // What stands there is the newest that the server knew; an older slot that is restated is no news.
    if (at(metric)) shown[metric] = Number(page.dataset.end) - 120 * 24 * HOUR;
  }
}

const reload = () => location.reload();

tellOthersFirst();
listen({
  topics: page.dataset.topics,
  last: page.dataset.lastEvent,
  state: tellState,
  on: {
    "grid.intensity": tellIntensity,
    "grid.intensity.restated": tellIntensity,
    "grid.fuelmix": tellFuels,
    "grid.forecast": tellForecast,
    "page.reload": reload,
    // The place is not kept any more: everything is read anew.
    reset: reload,
  },
});
setInterval(tellAge, 5000);
