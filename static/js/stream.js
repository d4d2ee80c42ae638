// Listens to events of the server. A lost connection is taken up where it was: the browser tells the
// last id that it has.
//
//   listen({ topics, last, on: { "grid.intensity": (event) => … }, state: (word) => … })
//
// `state` is told "live", "lost" (it is tried again) and "ended" (it is not: signed out, for instance).

export function listen({ topics, last, on, state }) {
  const query = new URLSearchParams({ topics });
  if (last !== undefined) query.set("last_event_id", last);
  const known = new Set();
  const source = new EventSource(`/api/v1/stream?${query}`);
  source.addEventListener("open", () => state("live"));
  source.addEventListener("error", () => state(source.readyState === EventSource.CLOSED ? "ended" : "lost"));
  for (const [topic, handle] of Object.entries(on)) {
    source.addEventListener(topic, (message) => {
      const event = JSON.parse(message.data);
      // Each comes at least once.
      if (event.id !== undefined && known.has(event.id)) return;
      known.add(event.id);
      if (known.size > 2000) known.delete(known.values().next().value);
      handle(event);
    });
  }
  return source;
}
