// Keeps the pages of feeds current: when the stream tells of a feed, and once a minute for what only
// grows older, the page is fetched again and what changed in it is put in place of the old. Without this
// script one reloads.

const STREAM = "/api/v1/stream?topics=feed.status:*,feed.gap:*";
const PAUSE = 1500;
const GROWS_OLD = 60_000;

const state = document.getElementById("feeds-state");
let waiting = 0;
let last = 0;

function say(text) {
  if (state && state.textContent !== text) state.textContent = text;
}

async function refresh() {
  waiting = 0;
  last = Date.now();
  if (document.hidden) return;
  // What was just done is told once.
  const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } });
  if (!answer.ok || answer.redirected) return say(`The server answers ${answer.status}; reload the page.`);
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const parts = [...document.querySelectorAll("[data-part]")];
  const names = (root) => [...root.querySelectorAll("[data-part]")].map((part) => part.dataset.part).join();
  if (names(fresh) !== names(document)) return say("There is more to see; reload the page.");
  for (const part of parts) {
    const other = fresh.querySelector(`[data-part="${CSS.escape(part.dataset.part)}"]`);
    if (same(part, other) || part.contains(document.activeElement) || part.querySelector("details[open]")) continue;
    part.replaceWith(document.adoptNode(other));
  }
}

// The token of forms is the session's: it does not differ.
function same(part, other) {
  return part.innerHTML === other.innerHTML;
}

function soon() {
  if (waiting === 0) waiting = setTimeout(() => refresh().catch(() => say("The server does not answer.")), Math.max(0, last + PAUSE - Date.now()));
}

const stream = new EventSource(STREAM);
stream.addEventListener("open", () => say("Live."));
stream.addEventListener("error", () => say(stream.readyState === EventSource.CLOSED ? "" : "Connecting again."));
for (const topic of ["feed.status", "feed.gap", "reset"]) stream.addEventListener(topic, soon);
document.addEventListener("visibilitychange", () => document.hidden || soon());
setInterval(soon, GROWS_OLD);
