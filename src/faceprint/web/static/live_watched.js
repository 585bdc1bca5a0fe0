// What the server watches: pictures come by themselves, this adds the words beside them.
import { Away, connect, pause } from "./live_socket.js";
import { addEvents, showNow } from "./live_side.js";

const WORDS = { connecting: "Connecting", live: "Live", lost: "Lost, trying again", ended: "Ended" };

function describe({ state, reason, fps, delay_ms, reconnects }) {
  const parts = [WORDS[state]];
  if (reason) parts.push(reason);
  if (state === "live") parts.push(`${fps} pictures a second`, `${delay_ms} ms behind`);
  if (reconnects) parts.push(reconnects === 1 ? "came back once" : `came back ${reconnects} times`);
  return parts.join(" · ");
}

export async function setUpWatched(root) {
  const view = root.querySelector("[data-view]");
  const status = root.querySelector("[data-status]");
  const log = root.querySelector("[data-log]");
  const address = view.src;
  let state = "";

  function take(message) {
    const text = describe(message.status);
    if (status.textContent !== text) status.textContent = text;
    state = status.dataset.state = message.status.state;
    showNow(root, message.faces);
    addEvents(root, message.events);
  }

  for (let tries = 0; state !== "ended"; tries += 1) {
    try {
      const reason = await new Promise((closed, failed) => {
        connect("/live/events", take, closed).then(() => {
          if (tries === 0) return;
          // All that happened comes again, and the pictures have stopped.
          log.replaceChildren();
          view.src = `${address}?again=${tries}`;
        }, failed);
      });
      if (state !== "ended") throw reason;
    } catch (error) {
      status.textContent = error.message;
      if (error instanceof Away) return;
      await pause(Math.min(30, 2 + tries));
    }
  }
}
