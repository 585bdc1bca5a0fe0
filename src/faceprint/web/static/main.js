// Everything works without scripts; these modules make it quicker.
import { setUpCompare } from "./compare.js";
import { setUpIdentify } from "./identify.js";
import { setUpPhotoFields } from "./photos.js";

document.documentElement.classList.add("js");

const identify = document.querySelector("[data-identify]");
if (identify) setUpIdentify(identify);

const compare = document.querySelector("[data-compare]");
if (compare) setUpCompare(compare);

setUpPhotoFields(document);
