// One run: the request goes out with fetch, the answer comes back as server-sent events.

/** Runs a form's fields and gives `on(name, data)` each event. Throws Refused where the server says why not. */
export async function run(url, fields, { signal, token, on }) {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) if (value !== null && value !== undefined) body.set(name, value);
  const answer = await fetch(url, {
    method: "POST",
    body,
    signal,
    credentials: "same-origin",
    headers: { accept: "text/event-stream", "x-csrftoken": token },
  });
  if (!answer.ok) throw new Refused(await words(answer));
  if (!answer.headers.get("content-type")?.startsWith("text/event-stream")) throw new Refused("The session has ended: reload the page and sign in.");
  for await (const [name, data] of events(answer.body)) on(name, data);
}

export class Refused extends Error {}

async function words(answer) {
  try {
    return (await answer.json()).message;
  } catch {
    return `The server answered ${answer.status}.`;
  }
}

async function* events(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const fields = Object.fromEntries(block.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]));
      if (fields.event) yield [fields.event, JSON.parse(fields.data)];
    }
  }
}
