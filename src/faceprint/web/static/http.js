// Posts forms and gives back fragments of pages.

const csrf = document.querySelector('meta[name="csrf"]')?.content ?? "";

export class Refusal extends Error {}

async function post(url, data, signal) {
  let answer;
  try {
    answer = await fetch(url, {
      method: "POST",
      body: data,
      signal,
      headers: { "X-CSRF-Token": csrf, "X-Fragment": "1" },
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal("The server did not answer. Is it still running?");
  }
  if (!answer.ok) {
    const text = toNodes(await answer.text()).textContent.trim();
    throw new Refusal(text || `The server answered ${answer.status}.`);
  }
  return answer;
}

export function toNodes(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}

export async function postForFragment(url, data, signal) {
  return toNodes(await (await post(url, data, signal)).text());
}

export async function postForDownload(url, data) {
  const answer = await post(url, data);
  const named = /filename\*=UTF-8''([^;]+)/.exec(answer.headers.get("Content-Disposition") ?? "");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = named ? decodeURIComponent(named[1]) : "photo.jpg";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

export function failureNode(message) {
  const box = document.createElement("div");
  box.className = "failure";
  const text = document.createElement("p");
  text.textContent = message;
  box.append(text);
  return box;
}

export function tooLarge(file, limit) {
  if (file.size <= limit) return "";
  const megabytes = (bytes) => (bytes / 2 ** 20).toFixed(1);
  return `${file.name} has ${megabytes(file.size)} MB; at most ${megabytes(limit)} MB are taken.`;
}
