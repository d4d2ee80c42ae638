// A line chart of the table that stands below it. The table is the data: its heads with data-name
// are the series, and a cell that is no number is a gap.

/* global uPlot */

const dark = matchMedia("(prefers-color-scheme: dark)");
const charts = [];

function read(table) {
  const heads = [...table.tHead.rows[0].cells];
  const series = heads
    .map(({ dataset }, column) => ({ column, ...dataset, bars: "bars" in dataset, dashed: "dashed" in dataset }))
    .filter((one) => one.name);
  const rows = [...table.tBodies[0].rows];
  const number = (cell) => (/^[+-]?[\d.]+$/.test(cell.textContent.trim()) ? Number(cell.textContent) : null);
  // Months by their first instants, hours by their numbers; of other rows there is no line.
  const hours = table.dataset.axis === "hour";
  const name = (row) => row.cells[0].textContent.trim();
  const place = (row) => (hours ? Number(name(row).slice(3)) : Date.parse(`${name(row)}-01T00:00:00Z`) / 1000);
  if (!table.dataset.axis) return { series: [], data: [[]], hours };
  return { hours, series, data: [rows.map(place), ...series.map((one) => rows.map((row) => number(row.cells[one.column])))] };
}

function axes(units, colour, series) {
  const grid = { stroke: colour("line"), width: 1 };
  const axis = { stroke: colour("soft"), font: "12px system-ui, sans-serif", grid, ticks: grid };
  const sides = units.map((unit, i) => ({
    ...axis, scale: unit, side: i === 0 ? 3 : 1, size: 56, label: unit, labelSize: 20, labelFont: axis.font,
    grid: i === 0 ? grid : { show: false },
    values: series.some((one) => one.bars && one.unit === unit) ? belowLines : undefined,
  }));
  return [axis, ...sides];
}

// Bars stand in the lower part, below the lines.
function low(_, min, max) {
  const most = Math.max(Math.abs(min), Math.abs(max)) || 1;
  return [-most, 5 * most];
}

const belowLines = (plot, splits, axis) =>
  splits.map((value) => (value > plot.scales[plot.axes[axis].scale].max / 5 + 1e-9 ? "" : String(+value.toFixed(6))));

function options({ series, data, hours }, width) {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  // Two axes at most: a third unit shares the first.
  const units = [...new Set(series.map((one) => one.unit))].slice(0, 2);
  const place = (x) => (hours ? `HE ${x}` : new Date(x * 1000).toISOString().slice(0, 7));
  // After eight colours they come again, dashed.
  const dash = (one, i) => (one.dashed ? [7, 4] : i < 8 ? undefined : [3 * Math.floor(i / 8) + 2, 4]);
  const lines = series.map((one, i) => ({
    label: one.name,
    scale: units.includes(one.unit) ? one.unit : units[0],
    stroke: colour(`series-${(i % 8) + 1}`),
    dash: dash(one, i),
    width: one.bars ? 0 : 2,
    fill: one.bars ? `${colour(`series-${(i % 8) + 1}`)}99` : undefined,
    paths: one.bars ? uPlot.paths.bars({ size: [0.7, 24] }) : undefined,
    points: { show: data[0].length < 3 },
    value: (_, value) => (value == null ? "–" : String(value)),
  }));
  return {
    width,
    height: Math.max(260, Math.min(380, Math.round(width * 0.42))),
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "UTC"),
    axes: axes(units, colour, series),
    scales: { x: { time: !hours }, ...Object.fromEntries(series.filter((one) => one.bars).map((one) => [one.unit, { range: low }])) },
    cursor: { drag: { x: true, y: false } },
    series: [{ label: hours ? "Hour" : "Month", value: (_, x) => (x == null ? "–" : place(x)) }, ...lines],
  };
}

function draw(place) {
  const table = read(document.getElementById(place.dataset.chart));
  const { series, data } = table;
  if (series.length === 0 || data[0].length === 0) return;
  place.hidden = false;
  place.setAttribute("role", "img");
  const names = series.map((one) => one.name).join(", ");
  place.setAttribute("aria-label", `Line chart of ${names}; the table below has its figures`);
  const inner = () => place.clientWidth - 2 * parseFloat(getComputedStyle(place).paddingLeft);
  const plot = new uPlot(options(table, inner()), data, place);
  const sizes = new ResizeObserver(() => {
    const width = inner();
    if (Math.abs(width - plot.width) > 1) plot.setSize({ width, height: plot.height });
  });
  sizes.observe(place);
  charts.push({ plot, sizes });
}

function drawAll() {
  for (const { plot, sizes } of charts.splice(0)) {
    sizes.disconnect();
    plot.destroy();
  }
  for (const place of document.querySelectorAll("[data-chart]")) draw(place);
}

dark.addEventListener("change", drawAll);
document.addEventListener("content", drawAll);
drawAll();
