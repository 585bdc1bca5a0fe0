// Everything works without scripts; these modules make it quicker.
import { setUpCompare } from "./compare.js";
import { setUpIdentify } from "./identify.js";
import { setUpJob, setUpJobList, setUpTimeline } from "./jobs.js";
import { setUpPhotoFields } from "./photos.js";
import { setUpUpload } from "./upload.js";

document.documentElement.classList.add("js");

const identify = document.querySelector("[data-identify]");
if (identify) setUpIdentify(identify);

const compare = document.querySelector("[data-compare]");
if (compare) setUpCompare(compare);

for (const [mark, setUp] of [
  ["[data-upload]", setUpUpload],
  ["[data-job]", setUpJob],
  ["[data-jobs]", setUpJobList],
  ["[data-timeline]", setUpTimeline],
]) {
  const root = document.querySelector(mark);
  if (root) setUp(root);
}

const more = document.querySelector("[data-more]");
document.addEventListener("click", (event) => {
  if (more?.open && !more.contains(event.target)) more.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && more?.open) {
    more.open = false;
    more.querySelector("summary").focus();
  }
});

setUpPhotoFields(document);
