// Times in the viewer's zone and clock. The server writes UTC; the exact UTC stays in the title.
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const full = new Intl.DateTimeFormat("en-GB", {
  day: "numeric", month: "short", year: "numeric",
  hour: "2-digit", minute: "2-digit", second: "2-digit",
});
const dayOfYear = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short" });
const dayAndYear = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short", year: "numeric" });

export const dayKey = (date) => `${date.getFullYear()}-${date.getMonth()}-${date.getDate()}`;

export function heading(date) {
  const now = new Date();
  if (dayKey(date) === dayKey(now)) return "Today";
  if (dayKey(date) === dayKey(new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1))) return "Yesterday";
  return (date.getFullYear() === now.getFullYear() ? dayOfYear : dayAndYear).format(date).replace(",", "");
}

/** Puts the rows below the days of the viewer's zone: a log of 23:30 UTC may be tomorrow's. */
function regroup(table) {
  const groups = new Map();
  for (const row of table.querySelectorAll("tr[data-created-at]")) {
    const date = new Date(row.dataset.createdAt);
    const key = dayKey(date);
    if (!groups.has(key)) groups.set(key, { date, rows: [] });
    groups.get(key).rows.push(row);
  }
  const bodies = [...table.tBodies];
  for (const [index, { date, rows }] of [...groups.values()].entries()) {
    const body = bodies[index] ?? table.appendChild(bodies[0].cloneNode(false));
    const day = bodies[index]?.rows[0] ?? bodies[0].rows[0].cloneNode(true);
    day.querySelector("span").textContent = heading(date);
    body.replaceChildren(day, ...rows);
  }
  bodies.slice(groups.size).forEach((body) => body.remove());
}

export function localiseTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const date = new Date(time.dateTime);
    if (Number.isNaN(date.getTime())) continue;
    time.textContent = (time.dataset.format === "full" ? full : clock).format(date);
  }
}

export function localise(root) {
  localiseTimes(root);
  if (new Date().getTimezoneOffset() !== 0) root.querySelectorAll("table.logs").forEach(regroup);
}

document.addEventListener("htmx:load", (event) => localise(event.detail.elt.parentNode ?? document));
localise(document);
