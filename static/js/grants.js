// The editor of a package: what is ticked changes what can be ticked next. Each change sends the draft
// to the server, which answers the page; only the part that data-editor names is put in place. Without
// this script the button "Refresh choices" does it.

let running = null;

async function refresh(form) {
  running?.abort();
  const abort = (running = new AbortController());
  const target = document.querySelector(form.dataset.editor);
  const body = new URLSearchParams(new FormData(form));
  body.set("do", "refresh");
  try {
    const answer = await fetch(form.action, { method: "POST", body, signal: abort.signal, headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector(form.dataset.editor);
    // What went wrong is shown by the page itself.
    if (!fresh) return form.requestSubmit(form.querySelector("[value=refresh]"));
    replace(target, fresh);
  } catch (error) {
    if (error.name !== "AbortError") throw error;
  }
}

// Focus and scroll places outlive the change.
function replace(target, fresh) {
  const focus = document.activeElement?.id;
  const places = [...target.querySelectorAll(".chooser-list")].map((list) => [list.id, list.scrollTop]);
  target.replaceChildren(...fresh.childNodes);
  for (const [id, top] of places) document.getElementById(id)?.scrollTo(0, top);
  if (focus) document.getElementById(focus)?.focus({ preventScroll: true });
}

document.addEventListener("change", (event) => {
  const { target } = event;
  const form = target.form;
  if (!form?.matches("[data-editor]") || !document.querySelector(form.dataset.editor).contains(target)) return;
  // A value of a policy chooses the policy.
  if (target.dataset.policy) document.getElementById(target.dataset.policy).checked = true;
  // What is typed here is added by its button.
  if (target.name === "other_label" || target.name === "other_value") return;
  if (!target.validity.valid) return target.reportValidity();
  refresh(form);
});
