// Two photos: shown when chosen, compared without leaving the page.
import { failureNode, postForFragment, Refusal, tooLarge } from "./http.js";
import { acceptDrops } from "./photos.js";

export function setUpCompare(root) {
  const form = root.querySelector("[data-compare-form]");
  const answer = root.querySelector("[data-comparison]");

  for (const slot of root.querySelectorAll("[data-slot]")) {
    const field = slot.querySelector("input");
    const image = slot.querySelector("[data-slot-photo]");
    const label = slot.querySelector("[data-slot-label]");
    const show = () => {
      const file = field.files[0];
      if (!file) return;
      URL.revokeObjectURL(image.src);
      image.src = URL.createObjectURL(file);
      image.hidden = false;
      image.onerror = () => { image.hidden = true; };
      label.textContent = file.name;
      answer.replaceChildren();
    };
    field.addEventListener("change", show);
    acceptDrops(slot, (file) => {
      const transfer = new DataTransfer();
      transfer.items.add(file);
      field.files = transfer.files;
      show();
    });
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const data = new FormData(form);
    const limit = Number(root.dataset.maxBytes);
    const problem = tooLarge(data.get("a"), limit) || tooLarge(data.get("b"), limit);
    const button = form.querySelector("button");
    button.disabled = true;
    answer.textContent = "Comparing…";
    try {
      if (problem) throw new Refusal(problem);
      answer.replaceChildren(await postForFragment("/verify", data));
      answer.scrollIntoView({ block: "nearest", behavior: "smooth" });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      answer.replaceChildren(failureNode(error.message));
    } finally {
      button.disabled = false;
    }
  });
}
