// What the analysis says of faces, drawn over the picture: parts, landmarks, and where the head points.

const SVG = "http://www.w3.org/2000/svg";
const AXES = ["ear", "chin", "nose"];

export function drawLooks(drawing, { width, height, faces }, mirrored) {
  drawing.setAttribute("viewBox", `0 0 ${width} ${height}`);
  drawing.classList.toggle("mirrored", mirrored);
  drawing.replaceChildren(...faces.filter((face) => face.analysis).map(drawFace));
}

function drawFace({ box, analysis }) {
  const group = make("g", {});
  const size = box[2] - box[0];
  for (const [name, outlines] of Object.entries(analysis.parts)) {
    group.append(make("path", { class: `part ${name}`, d: outlines.map(pathOf).join("") }));
  }
  for (const [x, y] of analysis.landmarks ?? []) {
    group.append(make("circle", { class: "point", cx: x, cy: y, r: Math.max(1.5, size / 50) }));
  }
  const [x, y] = analysis.landmarks?.[2] ?? [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
  for (const [index, [dx, dy]] of (analysis.axes ?? []).entries()) {
    const line = { x1: x, y1: y, x2: x + 0.55 * size * dx, y2: y + 0.55 * size * dy };
    group.append(make("line", { class: "axis casing", ...line }), make("line", { class: `axis ${AXES[index]}`, ...line }));
    // A nose that points into the camera is this dot alone.
    if (AXES[index] === "nose") group.append(make("circle", { class: "tip", cx: line.x2, cy: line.y2, r: Math.max(2.5, size / 40) }));
  }
  return group;
}

function pathOf(numbers) {
  return `M${numbers.join(" ")}Z`;
}

function make(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}
