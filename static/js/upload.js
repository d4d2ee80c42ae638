// Sends each file in a request of its own, so that one bad file never hides the others, and shows
// how far it is: first the sending, then the work of the server, then the report.

import { make, reportOf } from "./report.js";

const AT_ONCE = 2;
const form = document.getElementById("upload");
const drop = document.getElementById("drop");
const input = document.getElementById("files");
const names = document.getElementById("names");
const results = document.getElementById("results");
const token = document.querySelector("meta[name=csrf-token]").content;
const grammar = [...names.childNodes];
const waiting = [];
let running = 0;

function add(files, query) {
  for (const file of files) {
    const badge = make("span", "badge", "waiting");
    const progress = make("progress");
    progress.max = 1;
    progress.value = 0;
    progress.setAttribute("aria-label", `Progress of ${file.name}`);
    const card = make("article", "file", make("div", "file-head", make("h2", "", file.name), badge), progress);
    results.prepend(card);
    waiting.push({ file, query, card, badge, progress });
  }
  next();
}

async function next() {
  if (running >= AT_ONCE || waiting.length === 0) return;
  running += 1;
  const job = waiting.shift();
  next();
  const reports = await send(job);
  running -= 1;
  job.card.replaceWith(...reports);
  next();
}

function send(job) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/api/v1/uploads${job.query}`);
    request.setRequestHeader("X-CSRF-Token", token);
    request.setRequestHeader("Accept", "application/json, application/problem+json");
    request.upload.onprogress = (event) => {
      if (!event.lengthComputable) return;
      job.progress.value = event.loaded / event.total;
      job.badge.textContent = `sending, ${Math.floor((100 * event.loaded) / event.total)} %`;
    };
    request.upload.onload = () => {
      job.progress.removeAttribute("value");
      job.badge.textContent = "checking and storing";
    };
    request.onload = () => resolve(reportsOf(job, request.status, request.responseText));
    request.onerror = () => resolve(reportsOf(job, 0, ""));
    const body = new FormData();
    body.append("file", job.file);
    request.send(body);
  });
}

function reportsOf(job, status, text) {
  const answer = parse(status, text);
  const found = Array.isArray(answer.results) ? answer.results : [answer];
  const reports = found.map((one) => reportOf({ file: job.file.name, dry_run: job.query.includes("dry_run"), ...one }));
  const storable = found.some((one) => one.dry_run && !(one.status >= 400));
  if (storable) reports.at(-1).append(storeNow(job));
  return reports;
}

function parse(status, text) {
  try {
    return JSON.parse(text);
  } catch {
    const detail = status === 0
      ? "The connection broke before the answer came. Send the file again: if it was stored, the answer is “Already stored”."
      : `The server answered ${status} without a report. Try again; if it stays so, tell the administrator.`;
    return { status: status || 503, code: "no_answer", detail };
  }
}

// After a dry run the same bytes can be sent again without choosing them again.
function storeNow(job) {
  const button = make("button", "", "Store it now");
  button.type = "button";
  button.addEventListener("click", () => {
    button.disabled = true;
    add([job.file], "");
  });
  return make("div", "actions", button);
}

function chosen() {
  const files = [...input.files];
  const list = files.map((file) => file.name).join(", ");
  if (files.length === 0) names.replaceChildren(...grammar);
  else names.textContent = `${files.length === 1 ? "1 file" : `${files.length} files`}: ${list}`;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const { search } = new URL(event.submitter?.formAction ?? form.action);
  add([...input.files], search);
  input.value = "";
  chosen();
});
input.addEventListener("change", chosen);
// A file dropped beside the zone must not replace the page, so the whole window takes it.
addEventListener("dragover", (event) => {
  event.preventDefault();
  drop.classList.add("over");
});
addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) drop.classList.remove("over");
});
addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  if (event.dataTransfer.files.length === 0) return;
  input.files = event.dataTransfer.files;
  chosen();
  document.getElementById("store").focus();
});
addEventListener("beforeunload", (event) => {
  if (running + waiting.length > 0) event.preventDefault();
});
for (const element of document.querySelectorAll("[data-js]")) element.hidden = false;
