// The pages that take one photo: it stays in the browser and is sent again to enrol one of its faces, to be
// analysed, or to be drawn on.
import { setUpCamera } from "./camera.js";
import { failureNode, postForDownload, postForFragment, Refusal, tooLarge } from "./http.js";
import { acceptDrops, acceptPastes, canShow } from "./photos.js";
import { setUpSpots } from "./spots.js";

export function setUpIdentify(root) {
  const question = root.querySelector("[data-ask-photo]");
  const form = root.querySelector("[data-photo-form]");
  const field = root.querySelector("[data-file]");
  const status = root.querySelector("[data-status]");
  const result = root.querySelector("[data-result]");
  const welcome = root.querySelector("[data-welcome]");
  const sampleForm = root.querySelector("[data-sample-form]");
  let photo = null; // { file, url, sample }
  let asked = null; // { path, fields }
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

  async function look({ file, sample }) {
    const problem = tooLarge(file, Number(root.dataset.maxBytes));
    if (problem) {
      status.replaceChildren(failureNode(problem));
      return;
    }
    if (photo) URL.revokeObjectURL(photo.url);
    photo = { file, sample, url: URL.createObjectURL(file) };
    const ticked = [...form.querySelectorAll("input[type=checkbox]:checked")];
    await ask({ path: form.getAttribute("action"), fields: ticked.map((box) => box.name) });
    root.scrollIntoView({ block: "start" });
  }

  async function ask(what) {
    asked = what;
    await answer();
    result.querySelector("[data-title]")?.focus({ preventScroll: true });
  }

  async function answer(message = "") {
    running?.abort();
    running = new AbortController();
    const { signal } = running;
    const shown = await canShow(photo.url);
    if (!message) waiting(shown);
    const data = new FormData();
    data.set("photo", photo.file, photo.file.name);
    if (photo.sample) data.set("sample", "1");
    for (const field of asked.fields) data.set(field, "1");
    if (!shown) data.set("preview", "1");
    try {
      show(await postForFragment(asked.path, data, signal), shown, message);
    } catch (error) {
      if (error.name === "AbortError") return;
      if (!(error instanceof Refusal)) throw error;
      result.replaceChildren();
      status.replaceChildren(failureNode(error.message));
      question.hidden = false;
    }
  }

  function waiting(shown) {
    question.hidden = true;
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
    question.hidden = true;
    status.replaceChildren(...(message ? [message] : []));
    result.replaceChildren(fragment);
    setUpSpots(result);
    for (const enrol of result.querySelectorAll("[data-enrol-form]")) {
      enrol.addEventListener("submit", onEnrol);
    }
    result.querySelector("[data-download-form]")?.addEventListener("submit", onDownload);
    for (const more of result.querySelectorAll("[data-ask]")) more.addEventListener("submit", onAsk);
    result.querySelector("[data-again]").addEventListener("click", again);
  }

  function onAsk(event) {
    event.preventDefault();
    const { ask: path, fields } = event.currentTarget.dataset;
    ask({ path, fields: fields.split(" ").filter(Boolean) });
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
      await answer(told);
      status.scrollIntoView({ block: "nearest" });
    });
  }

  async function onDownload(event) {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    data.set("photo", photo.file, photo.file.name);
    const path = event.currentTarget.getAttribute("action");
    await busy(event.currentTarget, status, () => postForDownload(path, data));
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
    question.hidden = false;
    field.focus();
  }
}
