// Ways for a photo to come in, and small previews of chosen ones.

// Whether this browser can show the file itself; HEIC and TIFF often it cannot.
export async function canShow(url) {
  const image = new Image();
  image.src = url;
  try {
    await image.decode();
    return true;
  } catch {
    return false;
  }
}

const firstImage = (list) =>
  [...(list ?? [])].find((file) => file.type.startsWith("image/") || /\.(hei[cf]|avif|tiff?)$/i.test(file.name));

export function acceptFiles(zone, take) {
  let depth = 0;
  const light = (on) => zone.classList.toggle("over", on);
  zone.addEventListener("dragenter", (event) => { event.preventDefault(); depth += 1; light(true); });
  zone.addEventListener("dragover", (event) => event.preventDefault());
  zone.addEventListener("dragleave", () => { depth = Math.max(0, depth - 1); light(depth > 0); });
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    depth = 0;
    light(false);
    const files = [...(event.dataTransfer.files ?? [])];
    if (files.length) take(files);
  });
}

export function acceptDrops(zone, take) {
  acceptFiles(zone, (files) => {
    const file = firstImage(files);
    if (file) take(file);
  });
}

export function acceptPastes(take) {
  document.addEventListener("paste", (event) => {
    const file = firstImage(event.clipboardData?.files);
    if (file) take(file);
  });
}

export function setUpPhotoFields(root) {
  for (const field of root.querySelectorAll("[data-photos]")) {
    const thumbs = field.parentElement.querySelector("[data-thumbs]");
    field.addEventListener("change", () => {
      for (const old of thumbs.children) URL.revokeObjectURL(old.src);
      thumbs.replaceChildren(...[...field.files].map((file) => {
        const image = new Image();
        image.alt = file.name;
        image.src = URL.createObjectURL(file);
        image.addEventListener("error", () => image.remove());
        return image;
      }));
    });
  }
}
