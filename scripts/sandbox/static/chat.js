// The page: two people's chats with one bot, drawn anew where the server says that something has changed.

import { drawer } from "./developer.js";
import { Follower } from "./follow.js";
import { make, post } from "./make.js";
import { grouped, row } from "./message.js";
import { attachPanel, commandsPanel, hint, packsPanel } from "./packs.js";
import { wordsOf } from "./words.js";
import { composer } from "./write.js";

const world = { about: null, packs: [], photos: [], chats: new Map() };

/** One person's chat: its elements, and what they have open. */
class Chat {
  constructor(user) {
    this.id = user.id;
    this.user = user;
    this.words = wordsOf(user.language_code);
    this.messages = [];
    this.commands = [];
    this.pressed = new Set(); // buttons that wait for their answer
    this.opened = "";
    this.unhinted = false;
    this.rows = new Map(); // first id of a row → how it was drawn, and its element
    this.node = make("section", {
      class: "chat",
      id: `chat-${user.id}`,
      role: "tabpanel",
      "aria-label": `${this.words.chat} ${user.first_name}`,
      lang: user.language_code,
    });
    this.doing = make("span", { class: "doing" });
    this.block = make("button", {
      type: "button",
      class: "quiet",
      onclick: () => post(`/people/${this.id}/${this.blocked ? "unblock" : "block"}`, {}),
    });
    this.list = make("ol", { class: "messages", role: "log", "aria-live": "polite", tabindex: "0" });
    this.empty = make("div", { class: "empty" });
    this.scroll = make("div", { class: "scroll" }, this.empty, this.list);
    this.follower = new Follower(this.scroll, this.list);
    this.panel = make("div", { class: "panel", hidden: true });
    this.strip = make("div", {});
    this.form = composer(this);
    this.replies = make("div", { class: "replies", hidden: true });
    this.foot = make("div", { class: "foot-of-chat", hidden: true });
    this.node.append(this.head(), this.scroll, this.strip, this.panel, this.form, this.replies, this.foot);
  }

  head() {
    const bot = world.about.bot;
    const name = make("div", { class: "who" }, make("strong", {}, bot.name), this.doing);
    const person = make(
      "span",
      { class: "person" },
      `${this.words.as} `,
      make("strong", {}, this.user.first_name),
      ` (${this.user.language_code})`,
    );
    return make(
      "div",
      { class: "head" },
      make("img", { src: "/static/icon.svg", alt: "", width: "36", height: "36" }),
      name,
      person,
      this.block,
    );
  }

  /** Draw what the server tells of the chat. */
  show(state) {
    const own = this.lastOwn();
    const key = JSON.stringify([state.blocked, !state.messages.length, state.description]);
    Object.assign(this, { messages: state.messages, commands: state.commands, blocked: state.blocked });
    this.doing.textContent = state.action
      ? this.words[state.action] || this.words.other
      : `@${world.about.bot.username} · ${this.words.bot}`;
    this.doing.classList.toggle("busy", Boolean(state.action));
    this.showMessages();
    if (key !== this.drawn) this.showFrame(state);
    this.drawn = key;
    this.showReplies(state.keyboard);
    this.showHint();
    if (this.lastOwn() !== own) this.follower.toEnd(); // also where the bot's answer came with it
  }

  lastOwn() {
    return this.messages.findLast((one) => one.mine)?.id;
  }

  /** Keep the elements of messages that are as they were: an edit changes its own place only. */
  showMessages() {
    const groups = grouped(this.messages);
    const kept = new Set();
    groups.forEach((group, at) => {
      const id = group[0].id;
      const drawn = JSON.stringify(group);
      let one = this.rows.get(id);
      if (!one || one.drawn !== drawn) {
        const node = row(group, this);
        if (one) replaced(one.node, node);
        one = { drawn, node };
        this.rows.set(id, one);
      }
      if (this.list.children[at] !== one.node) this.list.insertBefore(one.node, this.list.children[at] || null);
      kept.add(id);
    });
    for (const [id, one] of this.rows) {
      if (!kept.has(id)) {
        one.node.remove();
        this.rows.delete(id);
      }
    }
  }

  /** What stands in an empty chat, and what takes the input field's place before Start and while blocked. */
  showFrame(state) {
    const fresh = !state.messages.length;
    const steps = [this.words.step1, this.words.step2, this.words.step3].map((text) => make("li", {}, text));
    const about = state.description ? make("p", { class: "description" }, state.description) : null;
    this.empty.hidden = !fresh;
    this.empty.replaceChildren(make("h2", {}, this.words.empty), ...(about ? [about] : []), make("ol", {}, steps));
    const key = (text, act) => make("button", { type: "button", class: "primary wide", onclick: act }, text);
    const instead = state.blocked
      ? key(this.words.unblock, () => post(`/people/${this.id}/unblock`, {}))
      : fresh
        ? key(this.words.start, () => this.say("/start"))
        : null;
    this.foot.hidden = !instead;
    this.form.hidden = Boolean(instead);
    this.foot.replaceChildren(...(instead ? [instead] : []));
    this.block.hidden = fresh;
    this.block.textContent = state.blocked ? this.words.unblock : this.words.block;
    if (instead) this.close();
  }

  showReplies(keyboard) {
    this.replies.hidden = !keyboard.length || this.form.hidden;
    this.replies.replaceChildren(
      ...keyboard.map((keys) =>
        make(
          "div",
          { class: "keys" },
          keys.map((text) => make("button", { type: "button", class: "key", onclick: () => this.say(text) }, text)),
        ),
      ),
    );
  }

  showHint() {
    const strip = this.form.hidden || this.opened ? null : hint(this, world.packs, world.photos);
    const drawn = strip ? strip.textContent : "";
    if (drawn !== this.hinted) this.strip.replaceChildren(...(strip ? [strip] : []));
    this.hinted = drawn;
  }

  hideHints() {
    this.unhinted = true;
    this.showHint();
    this.field.focus();
  }

  open(name, wanted = "") {
    const content = {
      packs: () => packsPanel(this, world.packs, wanted),
      attach: () => attachPanel(this, world.photos),
      commands: () => commandsPanel(this, this.commands, wanted || "/"),
    }[name]();
    this.opened = content.length ? name : "";
    this.panel.hidden = !content.length;
    this.panel.className = `panel ${name}`;
    this.panel.replaceChildren(...content);
    this.showHint();
  }

  openPacks(name) {
    this.open("packs", name);
  }

  toggle(name) {
    if (this.opened === name) this.close();
    else this.open(name);
  }

  close() {
    this.opened = "";
    this.panel.hidden = true;
    this.showHint();
  }
}

/** Put a new element in an old one's place; who had a button of it in focus, keeps it. */
function replaced(old, fresh) {
  const place = old.contains(document.activeElement) ? document.activeElement.dataset.place : null;
  old.replaceWith(fresh);
  if (place) fresh.querySelector(`[data-place="${place}"]`)?.focus();
}

function showPeople(about) {
  Object.assign(world, { about, photos: about.photos });
  const tabs = document.getElementById("tabs");
  for (const user of about.people) {
    if (world.chats.has(user.id)) continue;
    const chat = new Chat(user);
    world.chats.set(user.id, chat);
    document.getElementById("people").append(chat.node);
    tabs.append(
      make(
        "button",
        {
          type: "button",
          role: "tab",
          "aria-controls": chat.node.id,
          "data-person": user.id,
          onclick: () => choose(user.id),
        },
        user.first_name,
      ),
    );
  }
  choose(about.people[0].id);
}

/** On a phone one chat is shown at a time. */
function choose(id) {
  document
    .querySelectorAll("#tabs button")
    .forEach((tab) => tab.setAttribute("aria-selected", String(tab.dataset.person === String(id))));
  world.chats.forEach((chat) => chat.node.classList.toggle("chosen", chat.id === id));
}

const listening = new EventSource("/events");
const told = (name, act) => listening.addEventListener(name, (event) => act(JSON.parse(event.data), event.lastEventId));
const link = document.getElementById("link");
listening.addEventListener("open", () => (link.textContent = ""));
listening.addEventListener("error", () => (link.textContent = "The sandbox does not answer; trying again …"));
told("about", showPeople);
told("chat", (state, name) => world.chats.get(Number(name.split(":")[1]))?.show(state));
told("packs", ({ packs }) => {
  world.packs = packs;
  world.chats.forEach((chat) => (chat.opened === "packs" ? chat.open("packs") : chat.showHint()));
});
const aside = document.getElementById("developer");
told("state", (state) => aside.replaceChildren(...drawer(state)));
document.getElementById("developer-key").addEventListener("click", (event) => {
  aside.hidden = !aside.hidden;
  event.currentTarget.setAttribute("aria-expanded", String(!aside.hidden));
});
