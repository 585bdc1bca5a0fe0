// Outlines and names over the faces of a live view; each face keeps its element, and so moves smoothly.

// What a face is called: with the number of its track where several are told about.
export function titleOf(face, among) {
  const numbered = face.analysis && (!face.label || among > 1);
  return numbered ? `${face.label || "Face"} ${face.track}` : face.label;
}

export function drawFaces(overlay, { width, height, faces }, mirrored) {
  const old = new Map([...overlay.children].map((element) => [element.dataset.track, element]));
  for (const face of faces) {
    const key = String(face.track);
    const element = old.get(key) ?? makeFace(overlay, key);
    old.delete(key);
    place(element, face, width, height, mirrored);
    const undecided = !face.decision && face.score === null && !face.analysis;
    const label = titleOf(face, faces.length) || (undecided ? "…" : "");
    if (element.firstChild.textContent !== label) element.firstChild.textContent = label;
  }
  for (const element of old.values()) element.remove();
}

function makeFace(overlay, key) {
  const element = document.createElement("div");
  element.dataset.track = key;
  element.append(document.createElement("span"));
  overlay.append(element);
  return element;
}

function place(element, face, width, height, mirrored) {
  const [x1, y1, x2, y2] = face.box;
  const left = mirrored ? width - x2 : x1;
  const classes = ["live-face", face.decision ?? ""];
  if (y1 < 0.09 * height) classes.push("low");
  if (left > 0.6 * width) classes.push("right");
  element.className = classes.join(" ").trim();
  const share = (value, whole) => `${(100 * value) / whole}%`;
  element.style.left = share(left, width);
  element.style.top = share(y1, height);
  element.style.width = share(x2 - x1, width);
  element.style.height = share(y2 - y1, height);
}
