// Faces outlined on a photo, and the list of them beside it.

// A label that would cover another label or face shows its number alone.
function declutter() {
  const spots = [...document.querySelectorAll(".spot")];
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

addEventListener("resize", declutter);

export function setUpSpots(result) {
  result.querySelector("[data-photo]").decode().then(declutter, declutter);
  for (const one of result.querySelectorAll("[data-face]")) {
    const both = () => result.querySelectorAll(`[data-face="${one.dataset.face}"]`);
    const light = (on) => (event) => {
      if (event.pointerType === "mouse") both().forEach((node) => node.classList.toggle("lit", on));
    };
    one.addEventListener("pointerenter", light(true));
    one.addEventListener("pointerleave", light(false));
  }
}
