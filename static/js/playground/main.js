// The playground: one document in two views on the left, its answers on the right.
import { toast } from "../messages.js";
import { Columns } from "./columns.js";
import { Document } from "./document.js";
import { Draft } from "./draft.js";
import { form } from "./form.js";
import { h, icon } from "./dom.js";
import * as json from "./json.js";
import { estimate, preflight, sentence } from "./preflight.js";
import { snippets } from "./snippets.js";
import { variables } from "./variables.js";

const ESTIMATE_MS = 400; // after the last key: a price is asked for once one stops typing
const root = document.querySelector("form[data-playground]");

function start() {
  const { path, log, run, draft: key, runUrl, stopUrl, compareUrl, compareJsonUrl, attemptsUrl, estimateUrl } = root.dataset;
  const part = (name) => root.querySelector(`[data-part="${name}"]`);
  const area = root.elements.body;
  const target = root.elements.target;
  const token = root.elements.csrfmiddlewaretoken.value;
  const draft = new Draft(key);
  const kept = draft.read();
  const original = area.value;
  const doc = new Document(original, kept?.text ?? pretty(original));
  const isNew = Boolean(part("variables")) || (!log && !run); // what a prompt is filled in with was never sent like this
  const filled = variables(doc, part("variables"), kept?.variables);
  const initialTarget = target.value;
  if (kept?.target !== undefined && [...target.options].some((option) => option.value === kept.target)) target.value = kept.target;

  area.value = doc.text;
  form(doc, part("form"), path);

  const columns = new Columns({
    root: part("columns"), doc, target, token, url: runUrl, stopUrl, compareUrl, compareJsonUrl,
    fields: (text) => ({ log: log || null, run: run || null, path, body: text ?? (isNew ? doc.text : null), ...filled.fields() }),
  });
  for (const state of kept?.columns ?? []) columns.add(state);

  // --- the two views in step ---------------------------------------------------------------------------------

  area.addEventListener("input", () => doc.write(area.value, "json"));
  doc.addEventListener("change", ({ detail }) => {
    if (detail.field !== "json") area.value = doc.text;
    changed();
  });
  target.addEventListener("change", changed);
  columns.addEventListener("change", changed);
  filled.addEventListener("change", changed);

  let asked;
  function changed() {
    const isTouched = doc.isEdited || target.value !== initialTarget || columns.state.length > 0 || filled.isTouched;
    if (isTouched) draft.write({ text: doc.text, target: target.value, columns: columns.state, variables: filled.values });
    else draft.clear();
    area.toggleAttribute("aria-invalid", Boolean(doc.error));
    part("undo").disabled = !doc.canUndo;
    part("redo").disabled = !doc.canRedo;
    part("add").disabled = !columns.canGrow;
    part("edited").hidden = isNew || !doc.isEdited;
    showPreflight();
    clearTimeout(asked);
    asked = setTimeout(showEstimate, ESTIMATE_MS);
  }

  const aim = () => {
    const option = target.selectedOptions[0];
    return { value: target.value, label: option.dataset.label ?? option.textContent.trim(), isArchived: "archived" in option.dataset };
  };

  function lines() {
    return preflight(doc, { path, target: aim(), needsKey: "needsKey" in root.dataset, reason: root.dataset.reason, isNew });
  }

  function showPreflight() {
    part("sentence").textContent = sentence(doc, path, aim(), isNew);
    const marks = { stop: "triangle-alert", warn: "triangle-alert", info: "check" };
    part("checks").replaceChildren(...lines().map(({ kind, text }) => h("li", { class: kind }, icon(marks[kind]), " ", h("span", {}, text))));
    part("run").disabled = lines().some(({ kind }) => kind === "stop");
  }

  async function showEstimate() {
    const tokens = estimate(doc.value);
    const words = `About ${tokens.toLocaleString("en")} tokens to send`;
    part("estimate").textContent = words;
    if (doc.value?.model) {
      const query = new URLSearchParams({ model: String(doc.value.model), target: target.value, tokens, ...(log && { log }) });
      const answer = await fetch(`${estimateUrl}?${query}`).catch(() => null);
      const price = answer?.ok && (await answer.json()).text;
      if (price && part("estimate").textContent === words) part("estimate").textContent = `${words}, ${price}`;
    }
  }

  // --- running -----------------------------------------------------------------------------------------------

  root.addEventListener("submit", (event) => {
    if (event.submitter?.formAction && event.submitter.hasAttribute("formaction")) return draft.clear();
    event.preventDefault();
    go();
  });

  function go() {
    const stop = lines().find(({ kind }) => kind === "stop");
    if (stop) return toast(stop.text, "error");
    if (!columns.isRunning) columns.run(Math.min(Math.max(Number(part("times").value) || 1, 1), 10));
  }

  columns.addEventListener("running", () => {
    part("run").hidden = columns.isRunning;
    part("stop").hidden = !columns.isRunning;
    part("idle").hidden = true;
  });
  columns.addEventListener("attempt", () => window.htmx.ajax("GET", attemptsUrl, { target: "#attempts", swap: "outerHTML" }));
  part("stop").addEventListener("click", () => columns.stop());
  part("add").addEventListener("click", () => columns.add());
  part("undo").addEventListener("click", () => doc.undo());
  part("redo").addEventListener("click", () => doc.redo());
  part("reset").addEventListener("click", () => {
    draft.clear();
    location.reload();
  });

  // --- views, copying ----------------------------------------------------------------------------------------

  for (const button of root.querySelectorAll("[data-show]")) {
    button.addEventListener("click", () => {
      part("editor").dataset.view = button.dataset.show;
      for (const each of root.querySelectorAll("[data-show]")) each.setAttribute("aria-pressed", each === button);
    });
  }
  part("format").addEventListener("click", () => {
    if (doc.error) toast(doc.error.message, "error");
    else doc.write(json.format(doc.text));
  });
  document.getElementById("copy-as").addEventListener("click", ({ target: clicked }) => {
    const button = clicked.closest("[data-snippet]");
    if (button) button.dataset.copy = snippets({ text: doc.text, value: doc.value, path, headers: headersOf(target), base: root.dataset.base })[button.dataset.snippet];
  }, { capture: true });

  // --- the keyboard ------------------------------------------------------------------------------------------

  document.addEventListener("keydown", (event) => {
    const held = event.ctrlKey || event.metaKey;
    const letter = event.key.toLowerCase();
    if (event.key === "Enter" && held) go();
    else if (event.key === "Enter" && event.target.matches("input:not([type=submit])") && root.contains(event.target)) event.preventDefault();
    else if (event.key === "Escape" && columns.isRunning) columns.stop();
    else if (held && letter === "z" && inDocument(event.target)) event.shiftKey ? doc.redo() : doc.undo();
    else if (held && letter === "y" && inDocument(event.target)) doc.redo();
    else return;
    event.preventDefault();
  });
  const inDocument = (element) => element === document.body || part("editor").contains(element);

  if (kept) part("draft").hidden = false;
  changed();
  root.dataset.ready = "";
}

function pretty(text) {
  try {
    return json.format(text);
  } catch {
    return text;
  }
}

/** The headers that a call to the chosen target carries. */
function headersOf(target) {
  const [kind, ...rest] = target.value.split(":");
  const names = { provider: "x-portkey-provider", virtual_key: "x-portkey-virtual-key", config: "x-portkey-config" };
  return target.value ? { [names[kind]]: rest.join(":") } : JSON.parse(root.dataset.headers);
}

if (root?.elements.body) start();
else if (root) root.dataset.ready = ""; // a request that is too large to edit is run as a plain form
