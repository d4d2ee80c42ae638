// The report of one file, from the JSON of the API: what templates/components/report.html shows.

const FINDING_HEADS = ["Severity", "Cell", "Value", "What is wrong", "Label", "What to do"];

/** An element with a class and children; null children are left out. Text is never markup. */
export function make(tag, className, ...content) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...content.filter((part) => part !== null && part !== undefined));
  return element;
}

function link(href, text, className) {
  const element = make("a", className, text);
  element.href = href;
  return element;
}

function outcome({ status, code, dry_run: dry }) {
  if (status >= 500) return ["bad", "Not stored"];
  if (status >= 400) return ["bad", dry ? "Would be refused" : "Refused"];
  if (code === "already_stored") return ["info", "Already stored"];
  if (code === "skipped") return ["info", "Skipped"];
  if (dry) return ["info", "Would be stored"];
  return ["good", code === "backfilled" ? "Stored as history" : "Stored"];
}

function version({ family: curve, iso }, id, text) {
  return link(`/curves?${new URLSearchParams({ curve, iso, version: id })}`, text);
}

function facts(report) {
  const list = make("dl", "facts");
  const fact = (name, value, className) => {
    if (value) list.append(make("dt", "", name), make("dd", className, value));
  };
  if (report.family && report.iso) {
    const cob = report.cob ? make("span", "badge cob", "COB") : null;
    fact("Curve", make("span", "", `${report.iso.toUpperCase()} ${report.family} `, cob));
  }
  fact("Operating day", report.operating_day);
  fact("Curve timestamp", report.curve_timestamp, "mono");
  if (report.version_id && !report.dry_run) {
    fact("Version", version(report, report.version_id, `${report.version_id}: table and chart`));
  }
  for (const [name, other] of [["Supersedes", report.supersedes], ["In the way", report.conflict]]) {
    if (!other) continue;
    const place = version(report, other.version_id, `version ${other.version_id}`);
    fact(name, make("span", "", place, " of ", make("span", "mono", other.curve_timestamp)));
  }
  fact("SHA-256", report.sha256, "mono small");
  fact("Code", report.code, "mono");
  return list;
}

function figures(pairs) {
  const known = pairs.filter(([, value]) => value !== null && value !== undefined);
  const figure = ([name, value]) => make("div", "", make("dt", "", name), make("dd", "", String(value)));
  return known.length > 0 ? make("dl", "figures", ...known.map(figure)) : null;
}

function stats(found) {
  if (!found) return null;
  return figures([
    ["Rows", found.rows], ["Columns", found.columns], ["Values", found.points], ["Missing", found.missing],
    ["Zeros", found.zeros], ["Lowest", found.min], ["Highest", found.max], ["Sum (a checksum)", found.sum],
    ["Months", found.first_month && `${found.first_month} to ${found.last_month}`],
  ]);
}

function table(label, className, heads, rows) {
  const head = (title) => {
    const [text, kind] = [title].flat();
    const cell = make("th", kind, text);
    cell.scope = "col";
    return cell;
  };
  const parts = [make("thead", "", make("tr", "", ...heads.map(head))), make("tbody", "", ...rows)];
  const region = make("div", "scroll", make("table", className, ...parts));
  region.tabIndex = 0;
  region.setAttribute("role", "region");
  region.setAttribute("aria-label", label);
  return region;
}

function row(...cells) {
  return make("tr", "", ...cells.map(([className, ...content]) => make("td", className, ...content)));
}

function diff(found) {
  if (!found) return [];
  const changes = (found.largest ?? []).map((change) =>
    row(["", change.label], ["", change.month], ["num", change.old ?? "–"], ["num changed", change.new ?? "–"]));
  return [
    make("h3", "", "What it would change"),
    figures([
      ["Changed", found.changed], ["Unchanged", found.unchanged],
      ["Series", `+${found.series_added} −${found.series_removed}`],
      ["Months", `+${found.months_added} −${found.months_removed}`],
    ]),
    changes.length > 0 ? table("Largest changes", "", ["Series", "Month", ["Stored", "num"], ["This file", "num"]], changes) : null,
  ];
}

function findingRow(one) {
  const severity = make("span", `badge ${one.severity === "error" ? "bad" : "warn"}`, one.severity);
  const code = make("small", "soft mono", one.code);
  const wrong = ["", one.message, make("br"), code];
  const cells = row(["", severity], ["mono", one.cell], ["value", one.value], wrong, ["", one.label], ["", one.hint]);
  [...cells.cells].forEach((cell, i) => (cell.dataset.head = FINDING_HEADS[i]));
  return cells;
}

function findings(report) {
  const found = report.errors?.length > 0 ? report.errors : (report.findings ?? []);
  if (found.length === 0) return [];
  const { error = 0, warning = 0 } = report.counts ?? {};
  const more = report.truncated ? `; the first ${found.length} are shown, the error file has all` : "";
  const counts = make("span", "small soft", `errors: ${error}, warnings: ${warning}${more}`);
  const copy = (format) =>
    link(`/api/v1/uploads/${report.upload_id}/report?format=${format}`, `Error file .${format}`, "button second");
  return [
    make("div", "card-head", make("h3", "", "Findings"), counts),
    table("Findings", "findings cards", FINDING_HEADS, found.map(findingRow)),
    report.upload_id ? make("div", "actions", copy("xlsx"), copy("csv")) : null,
  ];
}

/** The element that shows one report or problem. */
export function reportOf(report) {
  const [kind, words] = outcome(report);
  const log = report.upload_id ? link(`/uploads/${report.upload_id}`, "In the log", "push small") : null;
  return make("article", "file",
    make("div", "file-head", make("h2", "", report.file ?? "File"), make("span", `badge ${kind}`, words), log),
    report.detail ? make("p", `notice ${kind === "bad" ? "bad" : ""}`, report.detail) : null,
    report.dry_run ? make("p", "notice", "A dry run: everything was checked, nothing was stored.") : null,
    facts(report), stats(report.stats), ...diff(report.diff), ...findings(report));
}
