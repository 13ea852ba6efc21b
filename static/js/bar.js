// The query bar's completions: an editable combobox with a list (WAI-ARIA). The server says what may follow.
import { announce } from "./messages.js";

const PAUSE = 100; // ms without a key before anything is asked for
const field = () => document.getElementById("query");
const list = () => document.getElementById("query-options");
const options = () => [...list().querySelectorAll("[role=option]")];
const chosen = () => list().querySelector("[aria-selected=true]");
let timer;
let asked = 0;

function hide() {
  clearTimeout(timer);
  asked += 1;
  if (!list() || list().hidden) return;
  list().hidden = true;
  field().setAttribute("aria-expanded", "false");
  field().removeAttribute("aria-activedescendant");
}

async function show() {
  const input = field();
  const turn = (asked += 1);
  // The server counts characters, the browser counts halves of those beyond U+FFFF.
  const at = [...input.value.slice(0, input.selectionStart)].length;
  const question = new URLSearchParams({ line: input.value, at });
  const answer = await fetch(`${input.dataset.complete}?${question}`, { credentials: "same-origin" });
  if (turn !== asked || !answer.ok || answer.redirected || document.activeElement !== input) return;
  list().innerHTML = await answer.text(); // our own template, which escapes what logs say
  const count = options().length;
  if (!count) return hide();
  list().hidden = false;
  input.setAttribute("aria-expanded", "true");
  input.removeAttribute("aria-activedescendant");
  announce(`${count} suggestion${count === 1 ? "" : "s"}`);
}

function choose(step) {
  const all = options();
  const now = all.indexOf(chosen());
  const next = all[now < 0 ? (step > 0 ? 0 : all.length - 1) : (now + step + all.length) % all.length];
  chosen()?.setAttribute("aria-selected", "false");
  next.setAttribute("aria-selected", "true");
  next.scrollIntoView({ block: "nearest" });
  field().setAttribute("aria-activedescendant", next.id);
}

function take(option) {
  const { text, start, end } = option.dataset;
  const characters = [...field().value];
  const isKey = text.endsWith(":");
  const before = characters.slice(0, start).join("") + text + (isKey ? "" : " ");
  field().value = before + characters.slice(end).join("").replace(/^ /, "");
  field().setSelectionRange(before.length, before.length);
  field().focus();
  hide();
  if (isKey) show();
}

document.addEventListener("input", (event) => {
  if (event.target !== field()) return;
  clearTimeout(timer);
  timer = setTimeout(show, PAUSE);
});

document.addEventListener(
  "keydown",
  (event) => {
    if (event.target !== field() || event.isComposing) return;
    const isOpen = !list().hidden;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (isOpen) choose(event.key === "ArrowDown" ? 1 : -1);
      else show();
    } else if (event.key === "Escape" && isOpen) {
      event.stopPropagation();
      hide();
    } else if ((event.key === "Enter" || event.key === "Tab") && isOpen && chosen()) {
      event.preventDefault();
      take(chosen());
    } else if (event.key === "Enter") hide();
  },
  true,
);

document.addEventListener("pointerdown", (event) => {
  const option = event.target.closest("#query-options [role=option]");
  if (!option) return;
  event.preventDefault(); // the field keeps the focus
  take(option);
});

document.addEventListener("focusin", (event) => {
  const { errorAt } = event.target.dataset;
  if (event.target !== field() || errorAt === undefined) return;
  const at = [...field().value].slice(0, errorAt).join("").length;
  field().setSelectionRange(at, at);
  delete field().dataset.errorAt;
});
document.addEventListener("focusout", (event) => {
  if (event.target === field()) hide();
});
