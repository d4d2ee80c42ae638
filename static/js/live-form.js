// Forms that show their result at once: <form data-live="#part"> is sent when a field changes, and
// only that part of the page is put in place of the old one. Without this script the button does it.

let running = null;
const view = () => location.pathname + location.search;
let shown = view();

function show(form) {
  const url = new URL(form.action);
  for (const [name, value] of new FormData(form)) if (value !== "") url.searchParams.append(name, value);
  return visit(url, form.dataset.live, true);
}

async function visit(url, part, remember) {
  running?.abort();
  const abort = (running = new AbortController());
  const target = document.querySelector(part);
  target.classList.add("busy");
  try {
    const answer = await fetch(url, { signal: abort.signal, headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector(part);
    if (!answer.ok || answer.redirected || !fresh) return location.assign(url);
    replace(target, fresh);
    document.title = page.title;
    if (remember) history.pushState({ part }, "", url);
    shown = view();
    document.dispatchEvent(new CustomEvent("content"));
  } catch (error) {
    if (error.name !== "AbortError") location.assign(url);
  } finally {
    if (running === abort) target.classList.remove("busy");
  }
}

// Focus, caret and scroll places outlive the change.
function replace(target, fresh) {
  const focus = document.activeElement;
  const caret = focus?.type === "search" ? focus.selectionStart : null;
  const places = new Map([...target.querySelectorAll(".scroll > [id]")].map((e) => [e.id, e.parentElement.scrollTop]));
  const filters = [...target.querySelectorAll("[data-filters]")].map((e) => [e.id, e.value]);
  target.replaceChildren(...fresh.childNodes);
  for (const [id, text] of filters) {
    const input = document.getElementById(id);
    if (!input || text === "") continue;
    input.value = text;
    filter(input);
  }
  prepare(target);
  for (const [id, top] of places) if (top > 0) document.getElementById(id)?.parentElement.scrollTo(0, top);
  const again = focus?.id && document.getElementById(focus.id);
  if (again && target.contains(again)) {
    again.focus({ preventScroll: true });
    if (caret !== null) again.setSelectionRange(caret, caret);
  }
}

// Rows of a list that match every word of a search field, and those that are chosen.
function filter(input) {
  const words = input.value.toLowerCase().split(/\s+/);
  for (const row of document.querySelectorAll(`${input.dataset.filters} tbody tr`)) {
    const text = row.textContent.toLowerCase();
    row.hidden = !words.every((word) => text.includes(word)) && !row.querySelector(":checked");
  }
}

function prepare(root) {
  for (const element of root.querySelectorAll("[data-js]")) element.hidden = false;
}

let wait = 0;
document.addEventListener("input", (event) => {
  const { form } = event.target;
  if (event.target.matches("[data-filters]")) filter(event.target);
  else if (form?.matches("[data-live]") && event.target.type === "search") {
    clearTimeout(wait);
    wait = setTimeout(() => show(form), 300);
  }
});
document.addEventListener("change", (event) => {
  const { form } = event.target;
  if (form?.matches("[data-live]") && event.target.type !== "search" && form.checkValidity()) show(form);
});
document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-live]")) return;
  event.preventDefault();
  show(event.target);
});
// Enter in a field that only filters must not send the form.
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches("[data-filters]")) event.preventDefault();
});
// A step to a place within the page, such as past its head, shows the same view.
addEventListener("popstate", () => {
  if (view() !== shown) location.reload();
});

prepare(document);
