// A textarea of JSON with line numbers, a button that formats it, and the place of a mistake while one types.
// Without this module it is a textarea; the server checks all the same.

function place(text, error) {
  const at = /position (\d+)/.exec(error.message);
  if (!at) return error.message;
  const before = text.slice(0, Number(at[1]));
  const line = before.split("\n").length;
  return `Not JSON at line ${line}, column ${before.length - before.lastIndexOf("\n")}`;
}

function enhance(area) {
  const frame = area.closest(".json-editor");
  if (!frame) return;
  const numbers = Object.assign(document.createElement("div"), { className: "numbers", ariaHidden: "true" });
  const bar = Object.assign(document.createElement("div"), { className: "json-bar" });
  const format = Object.assign(document.createElement("button"), {
    type: "button",
    className: "button small",
    textContent: "Format",
  });
  const verdict = Object.assign(document.createElement("span"), { className: "hint" });
  verdict.setAttribute("role", "status");
  bar.append(format, verdict);
  frame.classList.add("numbered");
  frame.append(numbers, bar);

  const read = () => {
    try {
      return { value: JSON.parse(area.value) };
    } catch (error) {
      return { error };
    }
  };
  const look = () => {
    const lines = area.value.split("\n").length;
    numbers.textContent = Array.from({ length: lines }, (_, at) => at + 1).join("\n");
    const { error } = read();
    format.disabled = Boolean(error);
    verdict.textContent = error && area.value.trim() ? place(area.value, error) : "";
    align();
  };
  const align = () => {
    numbers.style.height = `${area.offsetHeight - 2}px`;
    numbers.scrollTop = area.scrollTop;
  };

  area.addEventListener("input", look);
  area.addEventListener("scroll", align);
  new ResizeObserver(align).observe(area);
  format.addEventListener("click", () => {
    const { value, error } = read();
    if (error) return;
    area.value = JSON.stringify(value, null, 2);
    look();
  });
  look();
}

document.querySelectorAll("textarea[data-json]").forEach(enhance);
