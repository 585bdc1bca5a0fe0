// The first page: the photo stays in the browser and is sent again to enrol one of its faces.
import { setUpCamera } from "./camera.js";
import { failureNode, postForDownload, postForFragment, Refusal, tooLarge } from "./http.js";
import { acceptDrops, acceptPastes, canShow } from "./photos.js";

export function setUpIdentify(root) {
  const ask = root.querySelector("[data-ask]");
  const form = root.querySelector("[data-photo-form]");
  const field = root.querySelector("[data-file]");
  const status = root.querySelector("[data-status]");
  const result = root.querySelector("[data-result]");
  const welcome = root.querySelector("[data-welcome]");
  const sampleForm = root.querySelector("[data-sample-form]");
  let photo = null; // { file, url, sample }
  let running = null;

  root.querySelector("[data-drop-hint]").hidden = !matchMedia("(hover: hover)").matches;
  const choose = (file) => look({ file, sample: false });
  field.addEventListener("change", () => { if (field.files[0]) choose(field.files[0]); });
  acceptDrops(document.body, choose);
  acceptPastes(choose);
  setUpCamera(root, choose);
  sampleForm?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const data = await (await fetch("/sample.png")).blob();
    look({ file: new File([data], "astronaut.png", { type: data.type }), sample: true });
  });

  addEventListener("resize", declutter);

  async function look({ file, sample }) {
    const problem = tooLarge(file, Number(root.dataset.maxBytes));
    if (problem) {
      status.replaceChildren(failureNode(problem));
      return;
    }
    if (photo) URL.revokeObjectURL(photo.url);
    photo = { file, sample, url: URL.createObjectURL(file) };
    await identify();
    result.querySelector("[data-title]")?.focus({ preventScroll: true });
    root.scrollIntoView({ block: "start" });
  }

  async function identify(message = "") {
    running?.abort();
    running = new AbortController();
    const { signal } = running;
    const shown = await canShow(photo.url);
    if (!message) waiting(shown);
    const data = new FormData();
    data.set("photo", photo.file, photo.file.name);
    if (photo.sample) data.set("sample", "1");
    if (form.elements.thorough.checked) data.set("thorough", "1");
    if (form.elements.looks?.checked) data.set("looks", "1");
    if (!shown) data.set("preview", "1");
    try {
      show(await postForFragment("/identify", data, signal), shown, message);
    } catch (error) {
      if (error.name === "AbortError") return;
      if (!(error instanceof Refusal)) throw error;
      result.replaceChildren();
      status.replaceChildren(failureNode(error.message));
      ask.hidden = false;
    }
  }

  function waiting(shown) {
    ask.hidden = true;
    if (welcome) welcome.hidden = true;
    status.textContent = "Looking for faces…";
    if (!shown) return;
    const box = document.createElement("div");
    box.className = "waiting";
    const image = new Image();
    image.src = photo.url;
    image.alt = "";
    box.append(image);
    result.replaceChildren(box);
  }

  function show(fragment, shown, message) {
    const image = fragment.querySelector("[data-photo]");
    if (shown) image.src = photo.url;
    if (image.width < 640) image.classList.add("small-photo");
    ask.hidden = true;
    status.replaceChildren(...(message ? [message] : []));
    result.replaceChildren(fragment);
    linkFaces();
    image.decode().then(declutter, declutter);
    for (const enrol of result.querySelectorAll("[data-enrol-form]")) {
      enrol.addEventListener("submit", onEnrol);
    }
    result.querySelector("[data-download-form]")?.addEventListener("submit", onDownload);
    result.querySelector("[data-looks]")?.addEventListener("click", estimate);
    result.querySelector("[data-again]").addEventListener("click", again);
  }

  async function estimate() {
    form.elements.looks.checked = true;
    await identify();
    result.querySelector("[data-title]")?.focus({ preventScroll: true });
  }

  // A label that would cover another label or face shows its number alone.
  function declutter() {
    const spots = [...result.querySelectorAll(".spot")];
    const place = (spot, part) => spot.querySelector(part).getBoundingClientRect();
    const meet = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
    for (const spot of spots) spot.querySelector(".tag-text").classList.remove("short");
    for (const [i, spot] of spots.entries()) {
      const own = place(spot, ".tag-text");
      const covers = spots.some((other, j) =>
        (j < i && meet(own, place(other, ".tag-text"))) || (j !== i && meet(own, place(other, ".line"))));
      spot.querySelector(".tag-text").classList.toggle("short", covers);
    }
  }

  function linkFaces() {
    for (const one of result.querySelectorAll("[data-face]")) {
      const both = () => result.querySelectorAll(`[data-face="${one.dataset.face}"]`);
      const light = (on) => (event) => {
        if (event.pointerType === "mouse") both().forEach((node) => node.classList.toggle("lit", on));
      };
      one.addEventListener("pointerenter", light(true));
      one.addEventListener("pointerleave", light(false));
    }
  }

  async function onEnrol(event) {
    event.preventDefault();
    const form = event.currentTarget;
    const report = form.querySelector("[data-form-status]");
    const missing = form.elements.person_id?.value
      ? undefined
      : [...form.querySelectorAll("[data-needed]")].find((input) => !input.value.trim());
    if (missing) {
      report.replaceChildren(failureNode("Give the name, and what the person agreed to."));
      missing.focus();
      return;
    }
    const data = new FormData(form);
    data.delete("photos");
    if (!photo.sample) data.set("photos", photo.file, photo.file.name);
    await busy(form, report, async () => {
      const told = (await postForFragment("/enrol", data)).firstElementChild;
      await identify(told);
      status.scrollIntoView({ block: "nearest" });
    });
  }

  async function onDownload(event) {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    data.set("photo", photo.file, photo.file.name);
    await busy(event.currentTarget, status, () => postForDownload("/identify/picture", data));
  }

  async function busy(form, report, job) {
    const button = form.querySelector("button");
    button.disabled = true;
    try {
      await job();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      report.replaceChildren(failureNode(error.message));
    } finally {
      button.disabled = false;
    }
  }

  function again(event) {
    event.preventDefault();
    result.replaceChildren();
    status.replaceChildren();
    form.reset();
    ask.hidden = false;
    field.focus();
  }
}
