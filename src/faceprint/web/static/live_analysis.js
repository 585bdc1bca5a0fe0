// The analysis of a live view: what is asked for, and what is said of each face beside the picture.
import { drawLooks } from "./live_drawing.js";
import { titleOf } from "./live_faces.js";

const REST_MS = 400;

export function setUpAnalysis(root, tell) {
  const part = (name) => root.querySelector(`[data-${name}]`);
  const drawing = part("drawing"), panel = part("analysis"), list = part("looks"), notes = part("analysis-notes");
  const ticks = [...root.querySelectorAll("[data-wish]")];
  const main = ticks.find((tick) => tick.dataset.wish === "analysis");
  let shown = 0;

  function wishes() {
    return Object.fromEntries(ticks.map((tick) => [tick.dataset.wish, tick.checked && main.checked]));
  }

  function clear() {
    drawing.replaceChildren();
    list.replaceChildren();
    notes.replaceChildren();
    shown = 0;
  }

  function choose() {
    clear();
    panel.hidden = !main.checked;
    for (const tick of ticks) tick.closest("label").hidden = tick !== main && !main.checked;
    tell(wishes());
  }

  function show(answer, mirrored) {
    if (!answer.analysis || !main.checked) return;
    drawLooks(drawing, answer, mirrored);
    for (const note of answer.analysis.notes) {
      const line = document.createElement("p");
      line.textContent = note;
      notes.append(line);
    }
    const scored = answer.faces.some((face) => typeof face.analysis?.liveness === "number");
    if (scored) part("liveness-note").hidden = false;
    const now = performance.now();
    if (now - shown < REST_MS) return;
    shown = now;
    list.replaceChildren(...answer.faces.filter((face) => face.analysis).map((face) => describe(face, answer.faces.length)));
  }

  for (const tick of ticks) tick.addEventListener("change", choose);
  return { wishes, show, clear, get wanted() { return main.checked; } };
}

function describe(face, among) {
  const item = document.createElement("li");
  const title = document.createElement("b");
  title.textContent = titleOf(face, among);
  const rows = document.createElement("dl");
  for (const [name, words] of face.analysis.words) {
    const term = document.createElement("dt"), said = document.createElement("dd");
    term.textContent = name;
    said.textContent = words;
    rows.append(term, said);
  }
  item.append(title, rows);
  return item;
}
