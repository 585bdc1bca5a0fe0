// Large uploads: chosen or dropped, sent with their progress, led on to their job.
import { failureNode, toNodes } from "./http.js";
import { acceptFiles } from "./photos.js";

const csrf = document.querySelector('meta[name="csrf"]')?.content ?? "";
const megabytes = (bytes) => (bytes / 2 ** 20).toLocaleString("en", { maximumFractionDigits: 1 });

export function setUpUpload(root) {
  const form = root.querySelector("[data-upload-form]");
  const fields = [...root.querySelectorAll("[data-upload-file]")];
  const choice = root.querySelector("[data-upload-choice]");
  const status = root.querySelector("[data-upload-status]");
  const text = root.querySelector("[data-upload-text]");
  const bar = root.querySelector("[data-upload-bar]");
  const failure = root.querySelector("[data-upload-failure]");
  const hint = root.querySelector("[data-drop-hint]");
  const several = fields.some((field) => field.multiple);
  let request = null;

  const chosen = () => fields.flatMap((field) => [...field.files]);

  function fail(message) {
    failure.replaceChildren(failureNode(message));
  }

  function show() {
    const files = chosen();
    const size = files.reduce((sum, file) => sum + file.size, 0);
    failure.replaceChildren();
    if (files.length === 0) return;
    const what = files.length === 1 ? files[0].name : `${files.length.toLocaleString("en")} files`;
    choice.textContent = `${what}, ${megabytes(size)} MB`;
    root.classList.add("chosen");
  }

  function problem(files) {
    const size = files.reduce((sum, file) => sum + file.size, 0);
    if (files.length === 0) return "Nothing has been chosen yet.";
    if (size > Number(root.dataset.maxBytes)) {
      return `These are ${megabytes(size)} MB; at most ${megabytes(Number(root.dataset.maxBytes))} MB are taken.`;
    }
    if (root.dataset.mostFiles && files.length > Number(root.dataset.mostFiles)) {
      return `These are ${files.length} files; at most ${root.dataset.mostFiles} are taken.`;
    }
    return "";
  }

  // The fields go first, so that what is wrong with them is told before the files are sent.
  function body(files) {
    const data = new FormData();
    for (const [name, value] of new FormData(form)) {
      if (!(value instanceof File)) data.append(name, value);
    }
    for (const file of files) {
      data.append(fields[0].name, file, file.webkitRelativePath || file.name);
    }
    return data;
  }

  function ended() {
    request = null;
    status.hidden = true;
    form.hidden = false;
  }

  function send(files) {
    request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.setRequestHeader("X-CSRF-Token", csrf);
    request.setRequestHeader("X-Fragment", "1");
    request.upload.addEventListener("progress", (event) => {
      if (!event.lengthComputable) return;
      bar.value = event.loaded / event.total;
      const percent = Math.floor((100 * event.loaded) / event.total);
      text.textContent = `Sending: ${percent} % of ${megabytes(event.total)} MB`;
    });
    request.upload.addEventListener("load", () => { text.textContent = "Sent. Starting…"; });
    request.addEventListener("load", () => {
      const place = request.getResponseHeader("Location");
      if (request.status === 201 && place) {
        location.assign(place);
        return;
      }
      const said = toNodes(request.responseText).textContent.trim();
      ended();
      fail(said || `The server answered ${request.status}.`);
    });
    request.addEventListener("error", () => {
      ended();
      fail("The upload broke off. Load this page again; if the server answers, try once more.");
    });
    request.addEventListener("abort", () => { ended(); });
    request.send(body(files));
    text.textContent = "Sending";
    bar.value = 0;
    status.hidden = false;
    form.hidden = true;
  }

  for (const field of fields) {
    field.required = false;
    field.addEventListener("change", () => {
      for (const other of fields) if (other !== field) other.value = "";
      show();
    });
  }
  hint.hidden = false;
  acceptFiles(root.querySelector("[data-drop]"), (files) => {
    const transfer = new DataTransfer();
    for (const file of several ? files : files.slice(0, 1)) transfer.items.add(file);
    for (const field of fields) field.value = "";
    fields.find((field) => !field.hasAttribute("data-upload-folder")).files = transfer.files;
    show();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const files = chosen();
    const wrong = problem(files);
    failure.replaceChildren();
    if (wrong) fail(wrong);
    else send(files);
  });
  root.querySelector("[data-upload-stop]").addEventListener("click", () => request?.abort());
  addEventListener("pageshow", (event) => { if (event.persisted) ended(); });
}
