// One tooltip for the page, in the top layer so that nothing cuts it off: the words of a status pill, and
// titles in the list. It shows on hover and while a row has the focus; Escape hides it.
const tip = document.createElement("div");
tip.className = "tip";
tip.popover = "manual";
tip.setAttribute("aria-hidden", "true"); // its words are in the page already
let timer;

function wordsOf(target) {
  if (target.matches(".pill")) {
    return [...target.querySelectorAll(".state > .sr")].map((each) => each.textContent.replace(/, $/, "")).join("\n");
  }
  return target.dataset.words ?? target.ariaLabel;
}

/** Whether the words stand in full at the place already: a name that is not cut off needs no tooltip. */
const isReadable = (target, words) => target.textContent.trim() === words && target.scrollWidth <= target.clientWidth;

function show(target) {
  const words = wordsOf(target);
  if (!words || !target.isConnected || isReadable(target, words)) return;
  if (!tip.isConnected) document.body.append(tip);
  tip.textContent = words;
  tip.showPopover();
  const around = target.getBoundingClientRect();
  const { width, height } = tip.getBoundingClientRect();
  const above = around.top - height - 6;
  tip.style.top = `${above > 8 ? above : around.bottom + 6}px`;
  tip.style.left = `${Math.max(8, Math.min(around.left + around.width / 2 - width / 2, innerWidth - width - 8))}px`;
}

export function hideTip() {
  clearTimeout(timer);
  if (!tip.matches(":popover-open")) return false;
  tip.hidePopover();
  return true;
}

function targetAt(node) {
  const target = node.closest?.(".logs [title], .logs [data-words], .panel [title], .panel [data-words], .narrow a, [data-tip]");
  if (!target || target.tagName === "IFRAME") return null;
  if (target.title) {
    target.dataset.words = target.title;
    target.removeAttribute("title"); // else the browser's own, slower one shows too
    if (target.matches("a, button") && !target.ariaLabel) target.setAttribute("aria-description", target.dataset.words);
  }
  return target;
}

document.addEventListener("pointerover", (event) => {
  if (event.pointerType === "touch") return;
  hideTip();
  const target = targetAt(event.target);
  if (target) timer = setTimeout(show, 120, target);
});
document.addEventListener("focusin", (event) => {
  hideTip();
  if (!event.target.matches?.(":focus-visible")) return;
  const pill = event.target.closest(".log")?.querySelector(".pill");
  const target = pill ?? targetAt(event.target);
  if (target) show(target);
});
document.addEventListener("focusout", hideTip);
document.addEventListener("scroll", hideTip, { capture: true, passive: true });
document.addEventListener("pointerdown", hideTip);
