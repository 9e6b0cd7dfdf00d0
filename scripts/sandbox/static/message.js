// How messages look: text with its entities, pictures, stickers, files, albums, and the buttons below.

import { alertWith, bytes, make, notice, post } from "./make.js";

const TAGS = {
  bold: "strong",
  italic: "em",
  underline: "u",
  strikethrough: "s",
  code: "code",
  pre: "pre",
  blockquote: "blockquote",
  expandable_blockquote: "blockquote",
};
const PACK_LINK = /^(?:https?:\/\/)?t\.me\/addstickers\/([A-Za-z0-9_]+)$/;

/** A text as nodes. Entities are nested as they lie in each other; offsets count as JavaScript's strings do. */
export function formatted(text, entities, chat, begin = 0, end = text.length) {
  const nodes = [];
  let at = begin;
  for (let index = 0; index < entities.length; index += 1) {
    const one = entities[index];
    const stop = one.offset + one.length;
    if (one.offset < at || stop > end) continue;
    const inner = entities
      .slice(index + 1)
      .filter((other) => other.offset >= one.offset && other.offset + other.length <= stop);
    nodes.push(
      text.slice(at, one.offset),
      wrapped(one, text.slice(one.offset, stop), formatted(text, inner, chat, one.offset, stop), chat),
    );
    at = stop;
  }
  nodes.push(text.slice(at, end));
  return nodes;
}

function wrapped(entity, plain, inner, chat) {
  if (entity.type === "url" || entity.type === "text_link") return link(entity.url || plain, inner, chat);
  if (entity.type === "bot_command") {
    return make("button", { type: "button", class: "as-link", onclick: () => chat.say(plain) }, plain);
  }
  if (entity.type === "spoiler") return make("span", { class: "spoiler", tabindex: "0" }, inner);
  return make(TAGS[entity.type] || "span", {}, inner);
}

/** A link to a pack opens it here; others are opened only where they lead to the web. */
function link(address, inner, chat) {
  const pack = PACK_LINK.exec(address);
  if (pack) return make("button", { type: "button", class: "as-link", onclick: () => chat.openPacks(pack[1]) }, inner);
  const whole = /^[a-z]+:/i.test(address) ? address : `https://${address}`;
  if (!/^https?:/i.test(whole)) return make("span", {}, inner);
  return make("a", { href: whole, target: "_blank", rel: "noopener noreferrer" }, inner);
}

/** A sticker's picture: a video, a frame drawn for it, or the file itself. */
export function stickerPicture(one, id) {
  const label = one.emoji || "";
  if (one.as === "video")
    return make("video", {
      src: `/files/${id}`,
      autoplay: true,
      loop: true,
      muted: true,
      playsinline: true,
      "aria-label": label,
    });
  if (one.as === "drawn") return make("img", { src: `/frames/${id}`, alt: label, loading: "lazy" });
  return make("img", { src: `/files/${one.still || id}`, alt: label, draggable: "false" });
}

/** Messages that follow each other in one album, together. */
export function grouped(messages) {
  const groups = [];
  for (const one of messages) {
    const last = groups.at(-1);
    if (one.album && last && last[0].album === one.album && last[0].mine === one.mine) last.push(one);
    else groups.push([one]);
  }
  return groups;
}

/** A message, or an album, as a row of the chat. */
export function row(group, chat) {
  const first = group[0];
  const worded = group.find((one) => one.text) || first;
  const last = group.at(-1);
  const bare = first.kind === "sticker" && !worded.text;
  const bubble = make(
    "div",
    { class: `bubble${bare ? " bare" : ""}${group.length > 1 ? " album" : ""}` },
    quoted(first, chat),
    files(group, chat),
    words(worded, chat),
    foot(last, chat),
  );
  const keys = last.buttons.length ? keyboard(last, chat) : null;
  return make(
    "li",
    { class: `message ${first.mine ? "mine" : "theirs"}`, "data-id": first.id },
    make("div", { class: "stack" }, bubble, keys),
  );
}

function quoted(one, chat) {
  const answered = one.reply_to && chat.messages.find((other) => other.id === one.reply_to);
  if (!answered) return null;
  const text = answered.text || answered.emoji || answered.kind;
  return make("p", { class: "quoted", "aria-label": `${chat.words.reply} ${text}` }, text.slice(0, 80));
}

function words(one, chat) {
  return one.text ? make("div", { class: "text" }, formatted(one.text, one.entities, chat)) : null;
}

function foot(one, chat) {
  const marks = [one.edited ? chat.words.edited : "", one.silent ? "🔕" : ""].filter(Boolean);
  const time = new Date(one.date * 1000).toLocaleTimeString(chat.user.language_code, {
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  });
  return make("p", { class: "foot" }, [...marks, time].join(" · "));
}

function files(group, chat) {
  const shown = group
    .map((one) =>
      one.file ? file(one, chat) : one.kind === "text" ? null : make("p", { class: "odd" }, `[${one.kind}]`),
    )
    .filter(Boolean);
  if (!shown.length) return null;
  const pictures = group.every((one) => one.kind === "photo");
  return make("div", { class: group.length > 1 && pictures ? `grid of-${Math.min(group.length, 3)}` : "files" }, shown);
}

function file(one, chat) {
  const address = `/files/${one.file.id}`;
  if (one.kind === "sticker") {
    const open = () => one.set && chat.openPacks(one.set);
    return make(
      "button",
      {
        type: "button",
        class: "sticker chequered",
        "aria-label": `${chat.words.stickers} ${one.emoji}`,
        onclick: open,
      },
      stickerPicture({ ...one.file, emoji: one.emoji }, one.file.id),
    );
  }
  if (one.kind === "photo") {
    const size = { width: one.file.width, height: one.file.height };
    return make(
      "a",
      { class: "photo", href: address, target: "_blank", rel: "noopener" },
      make("img", { src: address, alt: one.text || chat.words.pictureOf, ...size }),
    );
  }
  const name = one.file.name || one.file.id;
  const picture = one.file.still
    ? make("img", { class: "chequered", src: `/files/${one.file.still}`, alt: "" })
    : make("span", { class: "paper", "aria-hidden": "true" }, "📄");
  const about = make(
    "span",
    { class: "about" },
    make("strong", {}, name),
    make("span", {}, `${bytes(one.file.file_size, chat.words)} · ${chat.words.download}`),
  );
  return make(
    "a",
    { class: "document", href: address, download: name, "aria-label": `${chat.words.download} ${name}` },
    picture,
    about,
  );
}

function keyboard(one, chat) {
  const rows = one.buttons.map((keys, row) =>
    make(
      "div",
      { class: "keys" },
      keys.map((key, column) => button(one, key, row, column, chat)),
    ),
  );
  return make("div", { class: "keyboard" }, rows);
}

function button(one, key, row, column, chat) {
  if (key.url) return make("span", { class: "key" }, link(key.url, [`${key.text} ↗`], chat));
  const place = `${one.id}.${row}.${column}`;
  const waits = chat.pressed.has(place);
  return make(
    "button",
    {
      type: "button",
      class: `key ${key.style}`,
      "data-place": place,
      "aria-busy": waits ? "true" : null,
      disabled: !key.pressable,
      onclick: () => press(one, row, column, chat),
    },
    key.text,
  );
}

/** Press a button; it waits visibly until the bot has answered, and what it answers is shown. */
async function press(one, row, column, chat) {
  const place = `${one.id}.${row}.${column}`;
  if (chat.pressed.has(place)) return;
  const mark = (waits) =>
    chat.list
      .querySelectorAll(`[data-place="${place}"]`)
      .forEach((key) => (waits ? key.setAttribute("aria-busy", "true") : key.removeAttribute("aria-busy")));
  chat.pressed.add(place);
  mark(true);
  const answer = await post(`/people/${chat.id}/press`, { message: one.id, row, column });
  chat.pressed.delete(place);
  mark(false);
  if (!answer) return;
  if (!answer.answered) notice(chat.words.noAnswer, { bad: true });
  else if (answer.text && answer.alert) alertWith(answer.text, chat.words.close);
  else if (answer.text) notice(answer.text);
}
