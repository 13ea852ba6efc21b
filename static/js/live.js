// Live: what arrives is put into the list in its place, and nothing that is being read moves. It goes by the time of
// receipt, so that a log of ten minutes ago which comes now is seen: above the others where they are all younger.
import { announce } from "./messages.js";
import { dayKey, heading, localiseTimes } from "./times.js";

const POLL_MS = 2000; // quick enough to feel live, slow enough to be no load
const BACKOFF_MS = 30_000; // between looks at a server that does not answer
const MOST_ROWS = 200; // what the page holds; below, rows are let go
const MOST_LATE = 10;
const REMEMBER_MS = 60_000; // twice as long as the server looks back
const MOST_KNOWN = 400; // as logs/explorer/live.py says
const ANNOUNCE_MS = 10_000; // a busy list is no speech

const results = () => document.getElementById("results");
const rows = () => [...results().querySelectorAll("tbody:not(.late) > tr.log")];

let isOn = false;
let list; // the element whose rows are followed: another filter brings another one
let timer;
let after = 0; // ms: up to here, by the server's clock, everything was seen
let since = 0; // where this list began
let seen = new Map(); // id -> when it was seen here
let fresh = 0; // rows that came and were not looked at yet
let untold = 0;
let told = 0;
let hasMore = false;

function start() {
  list = results();
  const { liveAfter } = list.dataset;
  after = since = Number(liveAfter);
  seen = new Map(rows().map((row) => [row.dataset.logId, Date.now()]));
  fresh = untold = 0;
  hasMore = false;
  show();
  clearTimeout(timer);
  if (isOn && liveAfter) timer = setTimeout(look, POLL_MS);
}

async function look() {
  let wait = POLL_MS;
  if (document.visibilityState === "visible" && results().dataset.liveUrl) {
    const asked = list;
    try {
      const news = await fetchNews(asked.dataset.liveUrl);
      if (news && isOn && asked === results()) take(news);
    } catch {
      wait = BACKOFF_MS; // the network or the server is away
    }
    if (asked !== list) return; // another list has its own turns
  }
  if (isOn) timer = setTimeout(look, wait);
}

async function fetchNews(address) {
  const url = new URL(address, location.href);
  url.searchParams.set("after", after);
  url.searchParams.set("known", [...seen.keys()].slice(-MOST_KNOWN).map((id) => id.slice(-8)).join(","));
  const answer = await fetch(url, { credentials: "same-origin", redirect: "error" });
  if (!answer.ok) throw new Error(answer.status);
  return new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("table");
}

function take(news) {
  after = Number(news.dataset.until);
  const now = Date.now();
  const unknown = [...news.querySelectorAll("tr.log")].filter((row) => !seen.has(row.dataset.logId));
  for (const row of unknown) seen.set(row.dataset.logId, now);
  // What the server looks back to was there before this list began: on its other pages.
  const found = unknown.filter((row) => new Date(row.dataset.receivedAt) >= since || placeOf(row));
  for (const [id, at] of seen) if (now - at > REMEMBER_MS) seen.delete(id);
  hasMore ||= "hasMore" in news.dataset;
  if (!found.length) return show();
  if (!results().querySelector("table.logs")) return reload();
  // Above a reader rows are not let go of: once there are enough of them the note alone says that more have come.
  const isFull = isReading() && rows().length >= MOST_ROWS;
  if (!isFull) keepStill(() => found.reverse().forEach(insert)); // the oldest first: each finds the one before it below its place
  fresh += found.length;
  untold += found.length;
  hasMore ||= isFull;
  letGo();
  show();
  if (now - told > ANNOUNCE_MS) {
    announce(`${inWords(untold)} arrived`);
    told = now;
    untold = 0;
  }
}

/** Whether somebody is busy in the list, or further down than its very beginning. */
const isReading = () => scrollY > 0 || document.querySelector("#log-panel:not([hidden]), #results .row-link:focus") !== null;

/** What is on the screen stays where it is while somebody reads. */
function keepStill(change) {
  const anchor = isReading() ? rows().find((row) => row.getBoundingClientRect().bottom > 0) : null;
  const top = anchor?.getBoundingClientRect().top;
  change();
  if (anchor) scrollBy({ top: anchor.getBoundingClientRect().top - top, behavior: "instant" });
}

/** The row that a new one comes before, where the list reaches back to its time. */
const placeOf = (row) => rows().find((each) => each.dataset.logId < row.dataset.logId);

function insert(row) {
  const older = placeOf(row);
  row = document.importNode(row, true);
  row.classList.add("arrived");
  localiseTimes(row);
  if (older) insertBefore(older, row);
  else insertLate(row);
  window.htmx.process(row);
}

function insertBefore(older, row) {
  const date = new Date(row.dataset.createdAt);
  const newer = older.previousElementSibling?.matches("tr.log")
    ? older.previousElementSibling
    : [...(older.parentNode.previousElementSibling?.querySelectorAll("tr.log") ?? [])].at(-1);
  const isSameDay = (other) => other && dayKey(new Date(other.dataset.createdAt)) === dayKey(date);
  if (isSameDay(older)) older.before(row);
  else if (isSameDay(newer)) newer.after(row);
  else {
    const group = older.parentNode.cloneNode(false);
    const day = older.parentNode.rows[0].cloneNode(true);
    day.querySelector("span").textContent = heading(date);
    group.append(day, row);
    older.parentNode.before(group);
  }
}

function insertLate(row) {
  const table = results().querySelector("table.logs");
  let late = table.querySelector("tbody.late");
  if (!late) {
    late = table.tBodies[0].cloneNode(false);
    late.className = "late";
    late.append(table.tBodies[0].rows[0].cloneNode(true));
    late.rows[0].querySelector("span").textContent = "Arrived late";
    table.tBodies[0].before(late);
  }
  late.rows[0].after(row);
  [...late.rows].slice(MOST_LATE + 1).forEach((each) => each.remove());
}

/** Rows far below go, but not those in sight or the one that is open; Older then begins where the list ends. */
function letGo() {
  const all = rows();
  const gone = all.slice(MOST_ROWS).filter((row) => row.getBoundingClientRect().top > innerHeight * 2 && !row.ariaCurrent);
  if (!gone.length) return;
  for (const row of gone) {
    const group = row.parentNode;
    row.remove();
    if (group.rows.length === 1) group.remove();
  }
  for (const link of results().querySelectorAll("a[rel=next]")) {
    const url = new URL(link.href);
    url.searchParams.set("cursor", rows().at(-1).dataset.logId);
    link.href = url.pathname + url.search;
    link.setAttribute("hx-get", link.getAttribute("href"));
    window.htmx.process(link);
  }
}

function inWords(count) {
  if (!count) return "There may be new logs";
  return `${hasMore ? "More than " : ""}${count.toLocaleString("en")} new log${count === 1 ? "" : "s"}`;
}

function show() {
  const button = results()?.querySelector("[data-live]");
  button?.setAttribute("aria-pressed", isOn);
  if (scrollY === 0 && !hasMore) fresh = 0; // they are in sight
  const news = results()?.querySelector("[data-news]");
  if (!news) return;
  news.hidden = !fresh && !hasMore;
  news.querySelector("span").textContent = inWords(fresh);
}

function reload() {
  return window.htmx.ajax("GET", results().dataset.newestUrl, { target: "#results", swap: "outerHTML" });
}

function showNews() {
  if (hasMore) return reload();
  scrollTo({ top: 0, behavior: "instant" });
  show();
}

export function toggle() {
  if (!results()?.dataset.liveUrl) return;
  isOn = !isOn;
  announce(isOn ? "Live: new logs are shown as they arrive" : "Paused");
  start();
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-live]")) toggle();
  else if (event.target.closest("[data-news]")) showNews();
});
document.addEventListener("htmx:afterSwap", () => {
  if (results() && results() !== list) start();
});
addEventListener(
  "scroll",
  () => {
    if (scrollY === 0 && fresh) show();
  },
  { passive: true },
);
