// What a person writes and hands in: the input field, files by button, paste and drop, and their tray.

import { bytes, make, notice, post } from "./make.js";

const MOST_FILES = 10;
const MOST_HIGH_PX = 160; // of the input field, as style.css has it

/** The form at the foot of a chat; it gives the chat its `field`, `say` and `chooseFiles`. */
export function composer(chat) {
  const picker = make("input", {
    type: "file",
    multiple: true,
    hidden: true,
    tabindex: "-1",
    "aria-label": chat.words.attach,
  });
  const field = make("textarea", {
    rows: "1",
    maxlength: "4096",
    placeholder: chat.words.write,
    "aria-label": chat.words.write,
    enterkeyhint: "send",
  });
  const tray = make("div", { class: "tray", hidden: true });
  const waiting = { files: [], asFiles: false };
  const key = (label, sign, act) =>
    make("button", { type: "button", class: "round", "aria-label": label, title: label, onclick: act }, sign);
  const form = make(
    "form",
    { class: "composer", onsubmit: (event) => (event.preventDefault(), submit()) },
    tray,
    make(
      "div",
      { class: "line" },
      key(chat.words.commands, "/", () => chat.toggle("commands")),
      key(chat.words.attach, "📎", () => chat.toggle("attach")),
      field,
      key(chat.words.stickers, "☺", () => chat.toggle("packs")),
      make(
        "button",
        { type: "submit", class: "round send", "aria-label": chat.words.send, title: chat.words.send },
        "➤",
      ),
    ),
    picker,
  );

  const drawTray = () => {
    tray.hidden = !waiting.files.length;
    field.placeholder = waiting.files.length ? chat.words.caption : chat.words.write;
    const box = make("input", { type: "checkbox", onchange: (event) => (waiting.asFiles = event.target.checked) });
    box.checked = waiting.asFiles;
    tray.replaceChildren(
      make("div", { class: "picks" }, waiting.files.map(card)),
      make("label", {}, box, " ", chat.words.asFiles),
    );
  };
  const card = (file) => {
    const drop = () => ((waiting.files = waiting.files.filter((other) => other !== file)), drawTray());
    const address = file.type.startsWith("image/") ? URL.createObjectURL(file) : "";
    const free = () => URL.revokeObjectURL(address);
    const picture = address
      ? make("img", { src: address, alt: "", onload: free, onerror: free })
      : make("span", { class: "paper" }, "📄");
    return make(
      "figure",
      {},
      picture,
      make("figcaption", {}, file.name, " ", make("small", {}, bytes(file.size, chat.words))),
      make(
        "button",
        { type: "button", class: "cross", "aria-label": `${chat.words.remove} ${file.name}`, onclick: drop },
        "×",
      ),
    );
  };
  const add = (files) => {
    const all = [...waiting.files, ...files];
    if (all.length > MOST_FILES) notice(chat.words.tooMany, { bad: true });
    waiting.files = all.slice(0, MOST_FILES);
    drawTray();
    field.focus();
  };
  const grow = () => {
    field.style.height = "auto";
    const whole = field.scrollHeight + field.offsetHeight - field.clientHeight; // with its borders
    field.style.height = `${Math.min(whole, MOST_HIGH_PX)}px`;
    field.style.overflowY = whole > MOST_HIGH_PX ? "auto" : "hidden"; // no bars beside a line or two
  };

  async function submit() {
    const text = field.value.trim();
    if (waiting.files.length) {
      const body = new FormData();
      waiting.files.forEach((file) => body.append("file", file, file.name));
      body.append("caption", text);
      body.append("as_files", waiting.asFiles ? "1" : "0");
      form.setAttribute("aria-busy", "true");
      const sent = await post(`/people/${chat.id}/files`, body);
      form.removeAttribute("aria-busy");
      if (!sent) return;
      waiting.files = [];
      drawTray();
    } else if (!text || !(await chat.say(text))) return;
    field.value = "";
    grow();
    chat.close();
  }

  picker.addEventListener("change", () => (add(picker.files), (picker.value = "")));
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      submit();
    }
    if (event.key === "Escape") chat.close();
  });
  field.addEventListener("input", () => {
    grow();
    if (/^\/\w*$/.test(field.value)) chat.open("commands", field.value);
    else if (chat.opened === "commands") chat.close();
  });
  field.addEventListener("paste", (event) => {
    if (!event.clipboardData.files.length) return;
    event.preventDefault();
    add(event.clipboardData.files);
  });
  droppable(chat.node, chat.words.drop, add);
  Object.assign(chat, {
    field,
    chooseFiles: () => (chat.close(), picker.click()),
    say: (text) => post(`/people/${chat.id}/send`, { text }),
  });
  return form;
}

/** Files may be dropped anywhere on the chat. */
function droppable(node, words, add) {
  node.dataset.drop = words;
  node.addEventListener("dragover", (event) => {
    if (![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault();
    node.classList.add("dropping");
  });
  node.addEventListener(
    "dragleave",
    (event) => node.contains(event.relatedTarget) || node.classList.remove("dropping"),
  );
  node.addEventListener("drop", (event) => {
    event.preventDefault();
    node.classList.remove("dropping");
    add(event.dataTransfer.files);
  });
}
