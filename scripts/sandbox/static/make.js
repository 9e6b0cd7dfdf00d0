// Elements, requests, notices. Words of people go into text nodes only; nothing here reads HTML.

/** An element: properties that begin with "on" are listeners, others attributes; null and false are left out. */
export function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** POST an object as JSON, or a form as it is; the answer, or null where it was refused and the person was told. */
export async function post(address, body) {
  const form = body instanceof FormData;
  const headers = form ? {} : { "Content-Type": "application/json" };
  try {
    const answer = await fetch(address, { method: "POST", headers, body: form ? body : JSON.stringify(body) });
    const told = await answer.json().catch(() => ({ error: `HTTP ${answer.status}` }));
    if (answer.ok) return told;
    notice(told.error || `HTTP ${answer.status}`, { bad: true });
  } catch {
    notice("The sandbox does not answer. Is it still running?", { bad: true });
  }
  return null;
}

/** A few words above everything, gone after some seconds. */
export function notice(text, { bad = false } = {}) {
  const node = make("p", { class: bad ? "notice bad" : "notice" }, text);
  document.getElementById("notices").append(node);
  setTimeout(() => node.remove(), bad ? 8000 : 4000);
}

/** Words that have to be closed. */
export function alertWith(text, close) {
  const dialog = document.getElementById("alert");
  const key = make("button", { type: "button", class: "primary", onclick: () => dialog.close() }, close);
  dialog.replaceChildren(make("p", {}, text), key);
  dialog.showModal();
}

/** A file's size in the words of its reader: `units` and their decimal `point`. */
export function bytes(count, { units, point }) {
  const [small, middle, large] = units;
  return count < 1024
    ? `${count} ${small}`
    : count < 1048576
      ? `${Math.round(count / 1024)} ${middle}`
      : `${(count / 1048576).toFixed(1).replace(".", point)} ${large}`;
}
