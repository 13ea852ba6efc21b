// The request as a command or a program. Keys are names of variables, never secrets.

const CLIENTS = {
  "/v1/chat/completions": "chat.completions.create",
  "/v1/completions": "completions.create",
  "/v1/embeddings": "embeddings.create",
};

/** The request in each form: `{curl, portkey, openai, json}`. `base` ends before `/v1`. */
export function snippets({ text, value, path, headers, base }) {
  return { curl: curl(text, path, headers, base), portkey: portkey(value, path, headers, base), openai: openai(value, path, headers, base), json: text };
}

function curl(text, path, headers, base) {
  const lines = [
    `curl ${base}${path}`,
    `-H "x-portkey-api-key: $PORTKEY_LOGS_KEY"`,
    ...Object.entries(headers).map(([name, value]) => `-H ${shell(`${name}: ${value}`)}`),
    ...(headers["x-portkey-provider"] ? ['-H "authorization: Bearer $PROVIDER_KEY"'] : []),
    '-H "content-type: application/json"',
    `--data-raw ${shell(text)}`,
  ];
  return lines.join(" \\\n  ");
}

const shell = (text) => `'${text.replaceAll("'", "'\\''")}'`;

function portkey(value, path, headers, base) {
  const named = { "x-portkey-provider": "provider", "x-portkey-virtual-key": "virtual_key", "x-portkey-config": "config" };
  const option = (name) => named[name] ?? name.replace("x-portkey-", "").replaceAll("-", "_");
  const options = Object.entries(headers).map(([name, each]) => `    ${option(name)}=${python(each)},\n`);
  const key = headers["x-portkey-provider"] ? '    Authorization=f"Bearer {os.environ[\'PROVIDER_KEY\']}",\n' : "";
  return `import os

from portkey_ai import Portkey

client = Portkey(
    base_url=${python(`${base}/v1`)},
    api_key=os.environ["PORTKEY_LOGS_KEY"],
${options.join("")}${key})
answer = client.${call(value, path)}
print(answer)
`;
}

function openai(value, path, headers, base) {
  const all = Object.entries(headers).map(([name, each]) => `        ${python(name)}: ${python(each)},\n`);
  return `import os

from openai import OpenAI

client = OpenAI(
    base_url=${python(`${base}/v1`)},
    api_key=os.environ.get("PROVIDER_KEY", "none"),
    default_headers={
        "x-portkey-api-key": os.environ["PORTKEY_LOGS_KEY"],
${all.join("")}    },
)
answer = client.${call(value, path)}
print(answer)
`;
}

function call(value, path) {
  const own = Object.entries(value ?? {}).filter(([name]) => /^[a-z_][a-z0-9_]*$/i.test(name));
  const others = Object.fromEntries(Object.entries(value ?? {}).filter(([name]) => !/^[a-z_][a-z0-9_]*$/i.test(name)));
  const lines = own.map(([name, each]) => `    ${name}=${python(each, "    ")},\n`);
  if (Object.keys(others).length) lines.push(`    extra_body=${python(others, "    ")},\n`);
  return `${CLIENTS[path]}(\n${lines.join("")})`;
}

/** A JSON value as Python writes it. */
export function python(value, indent = "") {
  const deeper = `${indent}    `;
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value !== "object") return JSON.stringify(value);
  if (Array.isArray(value)) {
    if (!value.length) return "[]";
    return `[\n${value.map((item) => `${deeper}${python(item, deeper)},\n`).join("")}${indent}]`;
  }
  const members = Object.entries(value);
  if (!members.length) return "{}";
  return `{\n${members.map(([name, item]) => `${deeper}${JSON.stringify(name)}: ${python(item, deeper)},\n`).join("")}${indent}}`;
}
