// Follows the log: asks for lines newer than the newest shown and puts them on top. The newest page is
// followed while it is looked at and the box is ticked; without this script one reloads.

const EVERY = 2000;
const MOST = 500;
const CLASSES = { error: "bad", warn: "warn", info: "info" };

function element(name, classes, text) {
  const made = document.createElement(name);
  if (classes) made.className = classes;
  if (text !== undefined) made.textContent = text;
  return made;
}

function row(line) {
  const time = element("time", "", line.at.slice(5, 10) + " " + line.at.slice(11, 23).replace("Z", ""));
  time.dateTime = line.at;
  time.title = line.at.slice(0, 10);
  const level = element("span");
  level.append(element("span", `badge ${CLASSES[line.level] ?? ""}`, line.level));
  const where = line.request_id ? `${line.target} · request ${line.request_id}` : line.target;
  const cells = [element("td", "nowrap mono"), element("td"), element("td", "message")];
  cells[0].append(time);
  cells[1].append(level);
  cells[2].append(element("span", "mono", line.text), element("br"), element("small", "soft", where));
  cells[0].dataset.head = "Time";
  cells[1].dataset.head = "Level";
  const made = element("tr");
  made.append(...cells);
  return made;
}

function say(text) {
  const state = document.getElementById("log-state");
  if (state && state.textContent !== text) state.textContent = text;
}

async function look() {
  const lines = document.getElementById("lines");
  if (!lines?.hasAttribute("data-follow") || document.hidden || !document.getElementById("follow").checked) return;
  const query = new URLSearchParams({ after: lines.dataset.newest, limit: "200" });
  for (const name of ["q", "level"]) {
    const value = document.getElementById(name).value.trim();
    if (value !== "") query.set(name, value);
  }
  const answer = await fetch(`/api/v1/logs?${query}`, { headers: { Accept: "application/json" } });
  if (!answer.ok) return say(`The server answers ${answer.status}; reload the page.`);
  const { items } = await answer.json();
  say("");
  // The filters may have changed meanwhile: then these are lines of another view.
  if (items.length === 0 || !lines.isConnected) return;
  lines.dataset.newest = items[0].id;
  lines.prepend(...items.map(row));
  while (lines.rows.length > MOST) lines.lastElementChild.remove();
  document.getElementById("log-empty").hidden = true;
}

async function follow() {
  try {
    await look();
  } catch {
    say("The server does not answer; trying again.");
  }
  setTimeout(follow, EVERY);
}

setTimeout(follow, EVERY);
