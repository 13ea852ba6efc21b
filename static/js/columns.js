// The columns of the list. In their chooser the arrows move a column at once; without scripts each of them sends the
// form. A width is drawn at the right edge of a heading, or given in the chooser, and kept for the person.
import { announce } from "./messages.js";

const GRID = 4; // pixels: a width is a multiple of it, as the chooser's fields take them

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-columns] button:is([name=left], [name=right])");
  if (!button) return;
  event.preventDefault();
  const item = button.closest("li");
  const other = button.name === "left" ? item.previousElementSibling : item.nextElementSibling;
  if (!other?.querySelector("button")) return; // the end of those that are shown
  if (button.name === "left") other.before(item);
  else other.after(item);
  button.focus();
  const place = [...item.parentNode.children].indexOf(item) + 1;
  announce(`${item.textContent.trim()} is column ${place}`);
});

const chooser = () => document.querySelector("[data-columns]");
const field = (column) => chooser().elements[`width.${column.dataset.column}`];
const columns = (table) => [...table.querySelectorAll("col[data-column]")];

function widths(table) {
  return [...table.tHead.rows[0].cells].slice(1).map((heading) => Math.floor(heading.offsetWidth / GRID) * GRID);
}

/** From now on each column is as wide as it is: else all would change with one. */
function freeze(table) {
  const now = widths(table);
  columns(table).forEach((column, index) => resize(column, now[index]));
  table.classList.add("wide");
}

function resize(column, width) {
  const { min, max } = field(column);
  column.width = field(column).value = Math.min(Math.max(Math.round(width / GRID) * GRID, min), max);
}

function save(table) {
  const sent = new URLSearchParams({ only_widths: "1" });
  sent.set("csrfmiddlewaretoken", chooser().elements.csrfmiddlewaretoken.value);
  for (const column of columns(table)) sent.set(field(column).name, field(column).value);
  fetch(chooser().action, { method: "POST", body: sent, redirect: "manual", keepalive: true });
}

document.addEventListener("pointerdown", (event) => {
  const grip = event.target.closest("[data-grip]");
  if (!grip || event.button !== 0) return;
  event.preventDefault();
  const heading = grip.closest("th");
  const table = heading.closest("table");
  freeze(table);
  const column = columns(table)[heading.cellIndex - 1];
  const before = Number(column.width) - event.pageX;
  const move = ({ pageX }) => resize(column, before + pageX);
  grip.setPointerCapture(event.pointerId);
  grip.addEventListener("pointermove", move);
  grip.addEventListener(
    "lostpointercapture",
    () => {
      grip.removeEventListener("pointermove", move);
      save(table);
    },
    { once: true },
  );
});

/** The table, and which of its columns a field of the chooser is for. */
function placeOf(target) {
  const table = document.querySelector("table.logs");
  if (!table || !target.matches?.("[data-columns] input[type=number]")) return [];
  return [table, columns(table).findIndex((column) => field(column) === target)];
}

document.addEventListener("change", ({ target }) => {
  const [table, at] = placeOf(target);
  const column = table && columns(table)[at];
  if (!column) return;
  if (target.value) {
    const wanted = Number(target.value);
    freeze(table);
    resize(column, wanted);
  } else column.removeAttribute("width");
  save(table);
});

// The arrow keys begin where the column stands.
document.addEventListener("keydown", ({ key, target }) => {
  if (!["ArrowUp", "ArrowDown"].includes(key) || target.value) return;
  const [table, at] = placeOf(target);
  if (at >= 0) target.value = widths(table)[at];
});
