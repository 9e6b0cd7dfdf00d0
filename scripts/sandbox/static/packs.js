// The panels above the input field: packs whose stickers are sent by a tap, example photos, the bot's commands.

import { make, post } from "./make.js";
import { stickerPicture } from "./message.js";

const HINTED = 4; // stickers in the hint for newcomers

/** All packs, with the one that was asked for in view. */
export function packsPanel(chat, packs, wanted) {
  if (!packs.length) return [make("p", { class: "odd" }, chat.words.noPacks)];
  return packs.map((pack) => {
    const title = make(
      "h3",
      {},
      pack.title,
      " ",
      make("small", {}, pack.by_bot ? `${chat.words.madeByBot} · ${pack.owner}` : `t.me/addstickers/${pack.name}`),
    );
    const stickers = make(
      "div",
      { class: "stickers" },
      pack.stickers.map((one, index) => stickerKey(chat, pack, one, index)),
    );
    const section = make("section", {}, title, stickers);
    if (pack.name.toLowerCase() === (wanted || "").toLowerCase())
      requestAnimationFrame(() => section.scrollIntoView({ block: "start" }));
    return section;
  });
}

export function stickerKey(chat, pack, one, index) {
  const send = () => {
    chat.close();
    post(`/people/${chat.id}/sticker`, { set: pack.name, index });
  };
  return make(
    "button",
    {
      type: "button",
      class: "pick chequered",
      "aria-label": `${chat.words.sendSticker} ${one.emoji}`,
      title: one.emoji,
      onclick: send,
    },
    stickerPicture(one, one.id),
  );
}

export function photoKey(chat, name) {
  const send = () => {
    chat.close();
    post(`/people/${chat.id}/example`, { name });
  };
  return make(
    "button",
    { type: "button", class: "pick", "aria-label": `${chat.words.sendPhoto} ${name}`, title: name, onclick: send },
    make("img", { src: `/examples/${name}`, alt: "" }),
  );
}

/** Files of one's own, or one of the examples. */
export function attachPanel(chat, photos) {
  const choose = make(
    "button",
    { type: "button", class: "primary", onclick: () => chat.chooseFiles() },
    chat.words.choose,
  );
  return [
    choose,
    make("h3", {}, chat.words.examples),
    make(
      "div",
      { class: "stickers" },
      photos.map((name) => photoKey(chat, name)),
    ),
  ];
}

/** The bot's commands that begin with what is typed. */
export function commandsPanel(chat, commands, typed) {
  const fitting = commands.filter((one) => `/${one.command}`.startsWith(typed));
  return fitting.map((one) => {
    const say = () => {
      chat.close();
      chat.field.value = "";
      chat.say(`/${one.command}`);
    };
    return make(
      "button",
      { type: "button", class: "command", onclick: say },
      make("strong", {}, `/${one.command}`),
      make("span", {}, one.description),
    );
  });
}

/** Whether the bot waits for one of several answers: a job under way has but one button. */
const isQuestion = (message) => !message.mine && message.buttons.length > 1;

/** What a newcomer does next: a strip above the input field, until the first photo is sent. */
export function hint(chat, packs, photos) {
  const mine = chat.messages.filter((one) => one.mine);
  if (!mine.length || chat.unhinted) return null;
  const pictured = mine.some((one) => one.kind === "photo" || one.kind === "document");
  const demo = packs.find((pack) => !pack.by_bot);
  if (pictured || !demo) return null;
  const stickered = mine.some((one) => one.kind === "sticker");
  const asked = stickered && isQuestion(chat.messages.at(-1));
  const keys = stickered
    ? photos.map((name) => photoKey(chat, name))
    : demo.stickers.slice(0, HINTED).map((one, index) => stickerKey(chat, demo, one, index));
  const more = stickered
    ? null
    : make("button", { type: "button", class: "quiet", onclick: () => chat.openPacks(demo.name) }, chat.words.more);
  const hide = make(
    "button",
    { type: "button", class: "quiet cross", "aria-label": chat.words.hide, onclick: () => chat.hideHints() },
    "×",
  );
  return make(
    "div",
    { class: "hint" },
    make("span", {}, asked ? chat.words.nextAnswer : stickered ? chat.words.nextPhoto : chat.words.nextSticker),
    ...(asked ? [] : [make("div", { class: "picks" }, keys, more)]),
    hide,
  );
}
