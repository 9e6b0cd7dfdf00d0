// The developer's drawer: time that passes at once, faults of Telegram's, what the bot asked for, and what it did wrong.

import { make, post } from "./make.js";

const FAULTS = ["too_many_requests", "server_error", "bad_gateway", "reset", "timeout_after_effect"];
const STEPS = { "+1 min": 60, "+1 h": 3600, "+1 day": 86400 };

/** The drawer's content for a state of things. */
export function drawer(state) {
  const clock = Object.entries(STEPS).map(([name, advance]) =>
    make("button", { type: "button", class: "quiet", onclick: () => post("/developer/clock", { advance }) }, name),
  );
  const faults = FAULTS.map((kind) =>
    make(
      "button",
      { type: "button", class: "quiet", onclick: () => post("/developer/fault", { kind }) },
      kind.replaceAll("_", " "),
    ),
  );
  const clear = make(
    "button",
    { type: "button", class: "quiet", onclick: () => post("/developer/fault", { kind: "" }) },
    "clear",
  );
  const requests = [...state.requests]
    .reverse()
    .map((one) =>
      make("li", { class: one.status === 200 ? "" : "bad" }, `${one.number} ${one.method} ${one.status || "—"}`),
    );
  const broken = state.broken.map((text) => make("li", { class: "bad" }, text));
  return [
    section("Let time pass", make("div", { class: "row" }, clock)),
    section(
      "The bot's next message meets",
      make("div", { class: "row" }, faults, clear),
      list(
        state.faults.map((text) => make("li", {}, text)),
        "no fault is waiting",
      ),
    ),
    section("Rules of Telegram's that the bot broke", list(broken, "none")),
    section("What it asked for last", list(requests, "nothing yet")),
  ];
}

const section = (title, ...content) => make("section", {}, make("h2", {}, title), content);
const list = (items, none) => (items.length ? make("ul", {}, items) : make("p", { class: "odd" }, none));
