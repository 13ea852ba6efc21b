// Buttons that copy: data-copy="text", data-copy-from="#element", data-copy-url="address to fetch",
// data-copy-link (the address of this page). The button itself says that it worked.
import { announce, toast } from "./messages.js";

async function textOf(button) {
  if ("copyLink" in button.dataset) return location.href;
  if (button.dataset.copyUrl) {
    const answer = await fetch(button.dataset.copyUrl, { credentials: "same-origin" });
    if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
    return answer.text();
  }
  if (button.dataset.copyFrom) return document.querySelector(button.dataset.copyFrom).textContent;
  return button.dataset.copy;
}

async function write(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Without TLS there is no clipboard API except on localhost; the old way still works.
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "sr";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("the browser does not allow it");
}

export async function copy(button) {
  const what = button.dataset.copied ?? "Copied";
  try {
    await write(await textOf(button));
  } catch (error) {
    toast(`Not copied: ${error.message}.`, "error");
    return;
  }
  button.classList.add("copied");
  setTimeout(() => button.classList.remove("copied"), 1500);
  if ("copyLink" in button.dataset) toast(what, "success");
  else announce(what);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy], [data-copy-from], [data-copy-url], [data-copy-link]");
  if (button) copy(button);
});
