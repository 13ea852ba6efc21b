// The chooser of columns: the arrows move a column at once; without scripts each of them sends the form.
import { announce } from "./messages.js";

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
