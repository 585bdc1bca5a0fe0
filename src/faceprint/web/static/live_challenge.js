// The active challenge: this shows what the server asks and what it saw; nothing is judged here.

const DEEDS = { "turn-left": "turn left", "turn-right": "turn right", blink: "blink", smile: "smile" };
const START = "Am I real? Try the challenge";
const STOP = "Stop the challenge";
const LOST = "The connection was lost, and the challenge with it. Start it again.";
const SLOW = "Pictures are looked at slowly just now: a blink may be missed.";

export function setUpChallenge(root, tell) {
  const part = (name) => root.querySelector(`[data-${name}]`);
  const panel = part("challenge"), button = part("challenge-start"), arrow = part("arrow");
  const text = part("challenge-text"), hint = part("challenge-hint"), ring = part("challenge-ring");
  const left = part("challenge-left"), steps = part("challenge-steps"), facts = part("challenge-facts");
  let running = false;

  function run(whether) {
    running = whether;
    button.textContent = running ? STOP : START;
    if (!running) {
      arrow.toggleAttribute("hidden", true);
      left.textContent = "";
    }
  }

  function write(element, words) {
    if (element.textContent !== words) element.textContent = words;
  }

  function begin() {
    panel.hidden = false;
    panel.dataset.phase = "start";
    facts.replaceChildren();
    part("challenge-note").hidden = true;
    steps.replaceChildren();
    fill(0);
    write(text, "One moment…");
    write(hint, "");
    run(true);
    tell({ challenge: "start" });
    part("stage").scrollIntoView({ block: "start", behavior: "smooth" });
  }

  function fill(share) {
    ring.setAttribute("stroke-dasharray", `${(100 * share).toFixed(1)} 100`);
  }

  function show(state, mirrored) {
    if (!state || !running) return;
    if (state.error) {
      end(state.error);
      return;
    }
    panel.dataset.phase = state.phase;
    write(text, state.phase === "failed" ? `Not passed. ${state.text}` : state.text);
    write(hint, state.hint || (state.slow && !state.result ? SLOW : ""));
    fill(state.phase === "passed" ? 1 : state.progress);
    write(left, state.seconds_left === null ? "" : `${Math.ceil(state.seconds_left)}`);
    showSteps(state);
    // Left and right are the person's own; where that is on the screen a mirror decides.
    const turn = Boolean(state.step?.startsWith("turn-"));
    arrow.toggleAttribute("hidden", !turn);
    if (turn) arrow.classList.toggle("to-left", (state.step === "turn-left") === mirrored);
    if (state.result) {
      run(false);
      facts.replaceChildren(...factsOf(state.result).map(itemOf));
      part("challenge-note").hidden = state.result.liveness === null;
    }
  }

  function showSteps({ done, steps: count, phase }) {
    const key = `${done}/${count}/${phase}`;
    if (steps.dataset.key === key) return;
    steps.dataset.key = key;
    steps.replaceChildren(...Array.from({ length: count }, (_, index) => {
      const item = document.createElement("li");
      item.className = index < done ? "done" : index === done && phase === "step" ? "now" : "";
      item.textContent = `Step ${index + 1} of ${count}${index < done ? ", done" : ""}`;
      return item;
    }));
  }

  function end(words) {
    run(false);
    panel.dataset.phase = "failed";
    write(text, words);
    write(hint, "");
    fill(0);
  }

  button.addEventListener("click", () => {
    if (running) tell({ challenge: "stop" });
    else begin();
  });
  return {
    show,
    lost: () => { if (running) end(LOST); },
    clear: () => {
      run(false);
      panel.hidden = true;
    },
  };
}

function factsOf({ order, steps, seconds, similarity, liveness }) {
  const facts = [`Asked for, in an order drawn for this try: ${order.map((step) => DEEDS[step] ?? step).join(", ")}.`];
  for (const one of steps) facts.push(`${DEEDS[one.step] ?? one.step}: seen after ${one.seconds.toFixed(1)} s.`);
  if (similarity !== null) facts.push(`Likeness to the face at the start: at least ${similarity.toFixed(2)}.`);
  if (liveness !== null) facts.push(`The passive check said ${liveness.toFixed(2)} (1: a person, 0: a picture of one).`);
  facts.push(`It took ${seconds.toFixed(0)} s.`);
  return facts;
}

function itemOf(words) {
  const item = document.createElement("li");
  item.textContent = words.charAt(0).toUpperCase() + words.slice(1);
  return item;
}
