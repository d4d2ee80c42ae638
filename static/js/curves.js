// The charts of the analysis page: lines, and the bars of differences below them on the same months.
// Their data stands in the page as JSON; the table has every figure, and the arrow keys tell them.

/* global uPlot */

const dark = matchMedia("(prefers-color-scheme: dark)");
let plots = [];

const style = () => getComputedStyle(document.documentElement);
const colour = (name) => style().getPropertyValue(`--${name}`).trim();
const strokeOf = (one) => colour(`series-${one.colour}`);
const print = (value, places) => (value == null ? "–" : value.toFixed(places));

function dayOf(figure, index) {
  const text = new Date(figure.days[index] * 1000).toISOString();
  return text.slice(0, figure.kind === "month" ? 7 : 10);
}

// --- Lines -----------------------------------------------------------------------------------------

const shapes = {
  circle: (c, x, y, r) => c.arc(x, y, r, 0, 2 * Math.PI),
  square: (c, x, y, r) => c.rect(x - r, y - r, 2 * r, 2 * r),
  triangle: (c, x, y, r) => corners(c, [[x, y - 1.2 * r], [x + 1.15 * r, y + r], [x - 1.15 * r, y + r]]),
  diamond: (c, x, y, r) => corners(c, [[x, y - 1.3 * r], [x + 1.3 * r, y], [x, y + 1.3 * r], [x - 1.3 * r, y]]),
  cross: (c, x, y, r) => {
    c.moveTo(x - r, y - r);
    c.lineTo(x + r, y + r);
    c.moveTo(x + r, y - r);
    c.lineTo(x - r, y + r);
  },
};

function corners(c, points) {
  c.moveTo(...points[0]);
  for (const point of points.slice(1)) c.lineTo(...point);
  c.closePath();
}

// A few markers on each line, so that lines are told apart without colours.
function drawMarkers(plot, place) {
  const one = plot.figure.series[place - 1];
  const [first, last] = plot.series[0].idxs;
  const values = plot.data[place];
  const step = Math.max(1, Math.ceil((last - first) / 9));
  const c = plot.ctx;
  c.save();
  c.setLineDash([]);
  c.lineWidth = 1.5 * devicePixelRatio;
  c.strokeStyle = c.fillStyle = strokeOf(one);
  // Each line begins elsewhere: markers of equal prices do not hide one another.
  for (let i = first + ((place - 1) % step); i <= last; i += step) {
    if (values[i] == null) continue;
    c.beginPath();
    const x = plot.valToPos(plot.data[0][i], "x", true);
    shapes[one.marker](c, x, plot.valToPos(values[i], plot.series[place].scale, true), 3.5 * devicePixelRatio);
    if (one.marker === "cross") c.stroke();
    else c.fill();
  }
  c.restore();
}

function axis(more) {
  const grid = { stroke: colour("line"), width: 1 };
  const font = "12px system-ui, sans-serif";
  return { stroke: colour("soft"), font, labelFont: font, labelSize: 18, grid, ticks: { ...grid, size: 4 }, ...more };
}

const xAxis = (figure) =>
  figure.kind === "month" ? axis({ size: 30, splits: monthSplits, values: monthTicks }) : axis({ size: 30, space: 66, values: dayTicks });

const NAMES = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

// Whole steps from a January on, as many as there is room for.
function monthSplits(plot, _, min, max) {
  const number = (seconds) => {
    const day = new Date(seconds * 1000);
    return day.getUTCFullYear() * 12 + day.getUTCMonth();
  };
  const room = Math.max(2, plot.width / 64);
  const step = [1, 2, 3, 6, 12, 24, 60, 120].find((months) => (number(max) - number(min)) / months <= room) ?? 240;
  const splits = [];
  for (let n = Math.ceil(number(min) / step) * step; n <= number(max) + 1; n += step) {
    const seconds = Date.UTC(Math.floor(n / 12), n % 12, 1) / 1000;
    if (seconds >= min && seconds <= max) splits.push(seconds);
  }
  return splits;
}

function monthTicks(_, splits) {
  return splits.map((seconds) => {
    const day = new Date(seconds * 1000);
    const year = String(day.getUTCFullYear());
    return day.getUTCMonth() === 0 ? year : `${NAMES[day.getUTCMonth()]} ${year.slice(2)}`;
  });
}

// 8 Mar, or Mar 23 where steps are months.
function dayTicks(plot, splits, _, space, step) {
  return splits.map((seconds) => {
    const day = new Date(seconds * 1000);
    const [month, year] = [NAMES[day.getUTCMonth()], String(day.getUTCFullYear())];
    if (step >= 360 * 86_400) return year;
    return step >= 28 * 86_400 ? `${month} ${year.slice(2)}` : `${day.getUTCDate()} ${month}`;
  });
}

// Two axes at most: a third unit shares the first.
function sides(list) {
  const units = [...new Set(list.map((one) => one.unit))].slice(0, 2);
  return { units, scale: (one) => (units.includes(one.unit) ? one.unit : units[0]) };
}

function yAxes(units) {
  return units.map((unit, i) => axis({
    scale: unit, side: i === 0 ? 3 : 1, size: 58, label: unit,
    ...(i > 0 && { grid: { show: false } }),
  }));
}

// Half a step before the first and after the last day, where bars stand.
function sideways(figure) {
  const { days } = figure;
  const pad = days.length > 1 ? (days.at(-1) - days[0]) / (days.length - 1) / 2 : 86_400;
  return { x: { range: (_, min, max) => [min - pad, max + pad] } };
}

// A line that lies on the edge of the plot is hard to see.
const roomy = (_, min, max) => (min == null ? [0, 1] : uPlot.rangeNum(min, max, 0.08, true));

function common(figure, width, height, show) {
  return {
    width, height,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "UTC"),
    legend: { show: false },
    padding: [10, 26, 0, 0],
    cursor: {
      sync: { key: "curves", setSeries: false },
      drag: { x: true, y: false },
      points: { size: 8 },
    },
    hooks: { setCursor: [show] },
  };
}

function lines(figure, width, show) {
  const { units, scale } = sides(figure.series);
  const height = Math.max(260, Math.min(440, Math.round(width * 0.5)));
  const few = figure.days.length < 3;
  const options = {
    ...common(figure, width, height, show),
    axes: [xAxis(figure), ...yAxes(units)],
    scales: { ...sideways(figure), ...Object.fromEntries(units.map((unit) => [unit, { range: roomy }])) },
    series: [{}, ...figure.series.map((one) => ({
      label: one.label, scale: scale(one), stroke: strokeOf(one), dash: one.dash, width: 2,
      points: { show: few }, spanGaps: false,
    }))],
  };
  options.hooks.drawSeries = [(plot, place) => place > 0 && !few && drawMarkers(plot, place)];
  return options;
}

// --- Bars ------------------------------------------------------------------------------------------

// Bars of several series stand side by side within their month.
function bars(figure, width, show) {
  const list = figure.differences;
  const { units, scale } = sides(list);
  // Where bars would be thinner than two pixels, lines tell more.
  const crowded = figure.days.length * list.length > width / 2;
  const bar = (one, i) => ({
    fill: `${strokeOf(one)}cc`, width: 0,
    paths: (plot, place, first, last) => sideBySide(plot, place, first, last, i, list.length),
  });
  const series = list.map((one, i) => ({
    label: one.label, scale: scale(one), stroke: strokeOf(one), points: { show: false },
    ...(crowded ? { width: 1.5 } : bar(one, i)),
  }));
  const zero = (_, min, max) => {
    if (min == null) return [-1, 1];
    const [low, high] = [Math.min(0, min), Math.max(0, max)];
    const room = (high - low || 1) * 0.1;
    return [low < 0 ? low - room : 0, high > 0 ? high + room : 0.0001];
  };
  return {
    ...common(figure, width, 170, show),
    axes: [xAxis(figure), ...yAxes(units)],
    scales: { ...sideways(figure), ...Object.fromEntries(units.map((unit) => [unit, { range: zero }])) },
    series: [{}, ...series],
  };
}

function sideBySide(plot, place, first, last, nth, count) {
  const [days, values] = [plot.data[0], plot.data[place]];
  const at = (i) => plot.valToPos(days[i], "x", true);
  const room = days.length > 1 ? Math.abs(at(Math.min(first + 1, days.length - 1)) - at(Math.min(first, days.length - 2))) : 40;
  const one = Math.max(1, Math.min(28 * devicePixelRatio, (room * 0.8) / count));
  const base = plot.valToPos(0, plot.series[place].scale, true);
  const path = new Path2D();
  for (let i = first; i <= last; i++) {
    if (values[i] == null) continue;
    const y = plot.valToPos(values[i], plot.series[place].scale, true);
    path.rect(at(i) - (one * count) / 2 + nth * one, Math.min(y, base), Math.max(1, one - 1), Math.abs(y - base));
  }
  return { stroke: null, fill: path, clip: null, band: null, gaps: null, flags: 3 };
}

// --- The cursor --------------------------------------------------------------------------------------

// The legend shows the figures under the cursor; who does not see it hears them.
function tell(figure, index) {
  const says = document.getElementById("cursor-says");
  const day = index == null ? "" : dayOf(figure, index);
  document.getElementById("cursor-day").textContent = day;
  const now = (one) => (index == null ? "" : print(one.values[index], one.places));
  figure.series.forEach((one, i) => (document.querySelector(`[data-now="${i}"]`).textContent = now(one)));
  if (index == null) return (says.textContent = "");
  const bits = figure.series.map((one) => `${one.label} ${now(one)} ${one.unit}`);
  for (const one of figure.differences) {
    if (one.values[index] != null) bits.push(`difference ${one.label} ${now(one)} ${one.unit}`);
  }
  says.textContent = `${day}: ${bits.join("; ")}`;
}

const STEPS = { ArrowLeft: -1, ArrowRight: 1, PageUp: -12, PageDown: 12, Home: -Infinity, End: Infinity };

function keys(place, plot, figure) {
  place.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      plot.setCursor({ left: -10, top: -10 });
      return;
    }
    const step = STEPS[event.key];
    if (step === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const [low, high] = [plot.scales.x.min, plot.scales.x.max];
    const seen = figure.days.map((day, i) => i).filter((i) => figure.days[i] >= low && figure.days[i] <= high);
    const now = plot.cursor.idx ?? (step > 0 ? seen[0] - 1 : seen.at(-1) + 1);
    const next = Math.max(seen[0], Math.min(seen.at(-1), now + step));
    const first = figure.series.find((one) => one.values[next] != null);
    const top = first ? plot.valToPos(first.values[next], plot.series[1 + figure.series.indexOf(first)].scale) : 0;
    plot.setCursor({ left: plot.valToPos(figure.days[next], "x"), top });
  });
}

// --- All of it ---------------------------------------------------------------------------------------

function make(id, options, figure, list) {
  const place = document.getElementById(id);
  if (!place || list.length === 0) return null;
  place.hidden = false;
  const width = () => Math.floor(place.clientWidth);
  const show = (plot) => {
    if (plot.cursor.event || document.activeElement === place) tell(figure, plot.cursor.idx);
  };
  const plot = new uPlot(options(figure, width(), show), [figure.days, ...list.map((one) => one.values)], (plot, ready) => {
    plot.figure = figure;
    ready();
    place.append(plot.root);
  });
  const sizes = new ResizeObserver(() => {
    if (Math.abs(width() - plot.width) > 1) plot.setSize({ width: width(), height: plot.height });
  });
  sizes.observe(place);
  plots.push({ plot, sizes });
  return plot;
}

function drawAll() {
  for (const { plot, sizes } of plots.splice(0)) {
    sizes.disconnect();
    plot.destroy();
  }
  const data = document.getElementById("figure");
  if (!data) return;
  performance.mark("chart-begins");
  const figure = JSON.parse(data.textContent);
  const plot = make("lines", lines, figure, figure.series);
  make("bars-plot", bars, figure, figure.differences);
  if (plot) keys(document.getElementById("lines"), plot, figure);
  performance.measure("chart", "chart-begins");
}

// The charts as one picture, with a legend.
async function picture() {
  const canvases = plots.map(({ plot }) => plot.ctx.canvas);
  const figure = JSON.parse(document.getElementById("figure").textContent);
  const scale = devicePixelRatio;
  const [pad, row] = [16 * scale, 20 * scale];
  const width = canvases[0].width + 2 * pad;
  const head = pad + row * (figure.series.length + 1.5);
  const sheet = document.createElement("canvas");
  sheet.width = width;
  sheet.height = head + canvases.reduce((sum, canvas) => sum + canvas.height + pad, 0);
  const c = sheet.getContext("2d");
  c.fillStyle = colour("paper");
  c.fillRect(0, 0, sheet.width, sheet.height);
  c.textBaseline = "middle";
  c.font = `600 ${15 * scale}px system-ui, sans-serif`;
  c.fillStyle = colour("ink");
  c.fillText(`${document.querySelector("h1").textContent}: ${document.getElementById("chart-head").textContent}`, pad, pad + row / 2);
  c.font = `${12 * scale}px system-ui, sans-serif`;
  figure.series.forEach((one, i) => {
    const y = pad + row * (i + 1.75);
    c.strokeStyle = c.fillStyle = strokeOf(one);
    c.lineWidth = 2 * scale;
    c.setLineDash(one.dash.map((length) => length * scale));
    c.beginPath();
    c.moveTo(pad, y);
    c.lineTo(pad + 40 * scale, y);
    c.stroke();
    c.setLineDash([]);
    c.beginPath();
    shapes[one.marker](c, pad + 20 * scale, y, 3.5 * scale);
    if (one.marker === "cross") c.stroke();
    else c.fill();
    c.fillStyle = colour("ink");
    c.fillText(`${one.label}, ${one.unit}`, pad + 50 * scale, y);
  });
  let y = head;
  for (const canvas of canvases) {
    c.drawImage(canvas, pad, y);
    y += canvas.height + pad;
  }
  const blob = await new Promise((done) => sheet.toBlob(done, "image/png"));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  const name = document.querySelector(".tools a[href*='format=csv']").href;
  link.download = `${new URL(name).searchParams.get("iso") ?? "curves"}_chart.png`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

document.addEventListener("click", (event) => {
  if (event.target.id === "png") picture();
});

// A choice that makes others meaningless empties them, before the form is sent.
document.addEventListener("change", (event) => {
  const { resets } = event.target.dataset;
  if (!resets) return;
  const [, suffix] = event.target.name.match(/(\d*)$/);
  for (const name of resets.split(" ")) {
    const field = document.getElementById(`${name}${suffix}`);
    // A selector outlives another day; the number of a version does not.
    if (field && !(name === "version" && !/^\d+$/.test(field.value))) clear(field);
  }
}, { capture: true });

function clear(field) {
  if (field.tagName === "SELECT" && ![...field.options].some((option) => option.value === "")) {
    field.prepend(new Option("", ""));
  }
  field.value = "";
}

dark.addEventListener("change", drawAll);
document.addEventListener("content", drawAll);
drawAll();
