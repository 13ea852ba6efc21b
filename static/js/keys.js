// The keyboard. Never while typing, never with a modifier: those belong to the browser and to fields.
import { copy } from "./copy.js";
import { toast } from "./messages.js";
import { announce } from "./messages.js";
import { close, isOpen, openRow } from "./panel.js";
import { toggle as toggleLive } from "./live.js";
import { hideTip } from "./tips.js";

const TYPING = "input, select, textarea, [contenteditable]";
const links = () => [...document.querySelectorAll("#results .row-link")];

function walk(step) {
  const all = links();
  if (isOpen()) {
    const at = all.indexOf(openRow()?.querySelector(".row-link"));
    const next = at >= 0 ? all[at + step] : undefined;
    const beyond = document.querySelector(`#log-panel [data-walk="${step > 0 ? "older" : "newer"}"]`);
    (next ?? beyond)?.click();
    return;
  }
  const at = all.indexOf(document.activeElement);
  const next = all[at < 0 ? 0 : at + step];
  if (!next) return;
  next.focus({ preventScroll: true, focusVisible: true });
  next.closest("tr").scrollIntoView({ block: "nearest" });
}

function showFilters() {
  const form = document.getElementById("filters");
  if (!form) return;
  if (form.popover && !form.matches(":popover-open")) form.showPopover();
  form.querySelector("input, select").focus();
}

function editQuery() {
  const field = document.getElementById("query");
  field?.focus();
  field?.setSelectionRange(field.value.length, field.value.length);
}

const dialog = (id) => document.getElementById(id);

const press = (thumb) => document.querySelector(`#log-panel ${thumb}`)?.click();

/** Compares the two ticked rows; before there are ticks, it offers them. */
function compare() {
  const button = document.getElementById("compare-ticked");
  const ticked = document.querySelectorAll('input[form="bulk"][name="log"]:checked').length;
  if (!button) document.getElementById("select-rows")?.click();
  else if (ticked === 2) button.click();
  else toast(`Tick two logs to compare them; ${ticked} ${ticked === 1 ? "is" : "are"} ticked.`);
}

/** Of the log that is open, else of the row that has the focus. */
function replay() {
  const place = isOpen() ? dialog("log-panel") : document.activeElement.closest("#results tr");
  const button = place?.querySelector('[data-action="replay"]');
  if (button?.disabled) announce(button.title);
  else button?.click();
}

const ACTIONS = {
  d: compare,
  j: () => walk(1),
  k: () => walk(-1),
  f: showFilters,
  "/": editQuery,
  l: toggleLive,
  v: () => dialog("views-button")?.click(),
  o: () => document.activeElement?.closest("tr.log")?.querySelector(".row-link")?.click(),
  "?": () => dialog("keyboard")?.showModal(),
  "+": () => press("#thumb-up"),
  "=": () => press("#thumb-up"), // the same key without Shift
  "-": () => press("#thumb-down"),
  r: replay,
  c: () => {
    const button = document.querySelector("#log-panel [data-copy-link]") ?? document.createElement("button");
    button.dataset.copyLink = "";
    button.dataset.copied = "Link copied";
    copy(button);
  },
};

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "Escape") {
    // A menu that is open closes by itself; only then is it the panel's turn.
    const floating = document.querySelector("[popover]:popover-open:not(.tip)");
    hideTip();
    if (!floating && isOpen()) close();
    return;
  }
  if (event.target.closest(TYPING)) return;
  const action = ACTIONS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!action || document.querySelector("[popover]:popover-open:not(.tip)")) return;
  event.preventDefault();
  action();
});

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-open-dialog]");
  if (opener) dialog(opener.dataset.openDialog)?.showModal();
});
