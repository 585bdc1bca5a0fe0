// What stands beside a live view: who is in view, and what happened.

const WORDS = { appeared: "appeared", named: "is known now", left: "left" };
const MOST = 100;

export function showNow(root, faces) {
  const list = root.querySelector("[data-now]");
  const shown = faces.filter((face) => face.label);
  const key = JSON.stringify(shown.map((face) => [face.label, face.decision]));
  root.querySelector("[data-nobody]").hidden = shown.length > 0;
  if (list.dataset.key === key) return;
  list.dataset.key = key;
  list.replaceChildren(...shown.map((face) => {
    const item = document.createElement("li");
    item.className = face.decision ?? "";
    item.textContent = face.label;
    return item;
  }));
}

export function addEvents(root, events) {
  const log = root.querySelector("[data-log]");
  for (const event of events) {
    const item = document.createElement("li");
    const time = document.createElement("time");
    time.dateTime = event.time;
    time.textContent = new Date(event.time).toLocaleTimeString();
    const text = document.createElement("span");
    const stayed = event.event === "left" ? ` after ${Math.round(event.duration_s)} s` : "";
    text.textContent = `${event.name ?? "Somebody unknown"} ${WORDS[event.event]}${stayed}`;
    item.append(time, text);
    log.prepend(item);
  }
  while (log.children.length > MOST) log.lastChild.remove();
}
