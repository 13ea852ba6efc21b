// The panel over the list. The address is the only state: opening a log pushes its address, walking from log
// to log replaces it, so that Back always closes; the list behind is never loaded again for that.
import { announce } from "./messages.js";

const panel = () => document.getElementById("log-panel");
const results = () => document.getElementById("results");
const listUrl = () => results().dataset.url;
export const isOpen = () => Boolean(panel()) && !panel().hidden;
export const openRow = () => results()?.querySelector('tr.log[aria-current="true"]');

const CARRIED = ["full", "request", "response", "related"]; // how the panel is drawn goes along from log to log

function carry(address) {
  const url = new URL(address, location.href);
  const now = new URLSearchParams(location.search);
  for (const name of CARRIED) {
    if (now.has(name) && !url.searchParams.has(name)) url.searchParams.set(name, now.get(name));
  }
  return url.pathname + url.search;
}

function markRow(id) {
  openRow()?.removeAttribute("aria-current");
  const row = id && results().querySelector(`tr[data-log-id="${CSS.escape(id)}"]`);
  row?.setAttribute("aria-current", "true");
  row?.scrollIntoView({ block: "nearest" });
}

const idIn = (address) => address.match(/\/logs\/([0-9a-f-]{36})\//)?.[1];

function focusTitle() {
  panel().querySelector("#panel-title")?.focus({ preventScroll: true });
}

function showSkeleton() {
  const found = panel();
  found.hidden = false;
  found.classList.add("entering");
  const skeleton = document.createElement("div");
  skeleton.className = "skeleton";
  skeleton.append(...Array.from({ length: 6 }, () => document.createElement("i")));
  found.replaceChildren(skeleton);
}

function hide() {
  const id = panel().dataset.logId;
  panel().hidden = true;
  panel().replaceChildren();
  const link = (openRow() ?? results().querySelector(`tr[data-log-id="${CSS.escape(id ?? "")}"]`))?.querySelector(".row-link");
  markRow(null);
  (link ?? results()).focus({ preventScroll: true });
  announce("Log closed");
}

/** Closes the panel, by going back where opening it was the last step. */
export function close() {
  if (history.state?.opened) return history.back();
  history.pushState({ list: listUrl() }, "", listUrl());
  hide();
}

export function toggleFull() {
  const full = panel().classList.toggle("full");
  const url = new URL(location.href);
  if (full) url.searchParams.set("full", "1");
  else url.searchParams.delete("full");
  history.replaceState(history.state, "", url);
  const link = panel().querySelector("[data-widen]");
  link.setAttribute("aria-label", full ? "Narrow to the side" : "Widen to the full page");
  link.querySelector("use").setAttribute("href", full ? "#i-minimize-2" : "#i-maximize-2");
}

function start() {
  history.replaceState({ list: listUrl(), log: isOpen() ? location.pathname + location.search : null }, "");

  if (isOpen()) focusTitle();

  document.addEventListener("htmx:configRequest", (event) => {
    if (event.detail.elt.dataset.push === "log" && isOpen()) event.detail.path = carry(event.detail.path);
  });

  document.addEventListener("htmx:beforeRequest", (event) => {
    const { elt, pathInfo, requestConfig } = event.detail;
    if (elt.dataset.push === "list") requestConfig.closesPanel = isOpen();
    if (elt.dataset.push !== "log") return;
    markRow(idIn(pathInfo.requestPath));
    if (panel().hidden) showSkeleton();
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    const { pathInfo, requestConfig } = event.detail;
    const push = requestConfig?.elt.dataset.push;
    if (push === "log") {
      const address = pathInfo.finalRequestPath;
      const state = { list: listUrl(), log: address, opened: history.state?.opened || !history.state?.log };
      if (history.state?.log) history.replaceState(state, "", address);
      else history.pushState(state, "", address);
      markRow(idIn(address));
      focusTitle();
    } else if (push === "list") {
      const address = pathInfo.responsePath ?? pathInfo.finalRequestPath; // a typed line is answered by its address
      if (isOpen() && !requestConfig.closesPanel) {
        // Opened while this list was on its way: what was asked for last stays.
        if (history.state?.log) history.replaceState({ ...history.state, list: address }, "");
        else history.pushState({ list: address }, "", address); // the log itself is still to come
        markRow(panel().dataset.logId);
        return;
      }
      panel().hidden = true;
      panel().replaceChildren();
      history.pushState({ list: address }, "", address);
      scrollTo({ top: 0 });
      if (document.activeElement === document.body) results().focus({ preventScroll: true });
      announce(results().querySelector(".sentence")?.textContent ?? "");
    }
  });

  // A log that could not be fetched leaves no empty panel behind.
  document.addEventListener("htmx:afterRequest", (event) => {
    const { elt, successful } = event.detail;
    if (elt.dataset.push === "log" && !successful && panel().querySelector(".skeleton")) hide();
  });

  addEventListener("popstate", async (event) => {
    if (!event.state) return;
    const { list, log } = event.state;
    if (list !== listUrl()) await htmx.ajax("GET", list, { target: "#results", swap: "outerHTML" });
    if (log) {
      if (!isOpen()) showSkeleton();
      await htmx.ajax("GET", log, { target: "#log-panel", swap: "outerHTML" });
      markRow(idIn(log));
      focusTitle();
    } else if (isOpen()) hide();
  });

  document.addEventListener("click", (event) => {
    const { target } = event;
    const modified = event.ctrlKey || event.metaKey || event.shiftKey;
    if (!modified && target.closest("[data-close]")) {
      event.preventDefault();
      close();
    } else if (!modified && target.closest("[data-widen]")) {
      event.preventDefault();
      toggleFull();
    } else if (!modified && target.closest('#log-panel a[href^="#"]')) {
      // From a call to its result: a step within the panel, which Back must not have to undo.
      const place = document.getElementById(target.closest("a").hash.slice(1));
      if (!place) return;
      event.preventDefault();
      place.scrollIntoView({ block: "nearest" });
      place.querySelector("summary")?.focus({ preventScroll: true });
    } else if (target.closest("[data-refresh]")) {
      const url = results().dataset.newestUrl;
      htmx.ajax("GET", url, { target: "#results", swap: "outerHTML" }).then(() => {
        history.replaceState({ ...history.state, list: listUrl() }, "", isOpen() ? location.href : url);
        announce("List refreshed");
      });
    } else if (target.closest("[data-view]")) {
      const [name, view] = target.closest("[data-view]").dataset.view.split("=");
      const url = new URL(location.href);
      url.searchParams.set(name, view);
      history.replaceState(history.state, "", url);
    } else if (target.closest("[data-show-all]")) {
      const button = target.closest("[data-show-all]");
      const open = button.parentNode.classList.toggle("open");
      button.textContent = open ? "Show less" : "Show all";
      button.setAttribute("aria-expanded", open);
    } else if (target.closest("[data-unfold], [data-fold]")) {
      const open = Boolean(target.closest("[data-unfold]"));
      for (const node of target.closest(".side").querySelectorAll(".tree details")) node.open = open;
    } else if (!target.closest("a, button, input, summary") && getSelection().isCollapsed) {
      // The whole row is the link; selecting text in it is not a click.
      const link = target.closest("tr.log")?.querySelector(".row-link");
      if (link && modified) open(link.href, "_blank");
      else link?.click();
    }
  });

  // The fold of related logs stays open, or closed, from log to log.
  const keepFold = ({ target }) => {
    if (!target.matches?.("details.related")) return;
    const url = new URL(location.href);
    if (target.open) url.searchParams.set("related", "1");
    else url.searchParams.delete("related");
    history.replaceState(history.state, "", url);
  };
  document.addEventListener("toggle", keepFold, { capture: true });

  document.addEventListener("auxclick", (event) => {
    const link = event.button === 1 && !event.target.closest("a") && event.target.closest("tr.log")?.querySelector("a");
    if (link) open(link.href, "_blank");
  });
}

if (results() && panel()) start();
