// An empty workspace looks for its first log while it is in sight, and shows it when it arrives.
const POLL_MS = 3000; // quick enough to feel like an answer, slow enough to be no load

async function look() {
  const box = document.querySelector("[data-first-log]");
  if (!box) return;
  if (document.visibilityState === "visible" && (await hasArrived(box.dataset.firstLog))) {
    window.htmx.ajax("GET", box.dataset.list, { target: "#results", swap: "outerHTML" });
    return;
  }
  setTimeout(look, POLL_MS);
}

async function hasArrived(address) {
  try {
    const answer = await fetch(address, { headers: { accept: "application/json" } });
    return answer.ok && (await answer.json()).data.length > 0;
  } catch {
    return false; // the network is away: look again later
  }
}

look();
