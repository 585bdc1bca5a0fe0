// A WebSocket to this server that says who asks before anything else.

const csrf = document.querySelector('meta[name="csrf"]')?.content ?? "";
const LOST = "The connection to the server was lost. Is it still running?";

export class Away extends Error {}

// Opens a connection; `onMessage` gets each message, `onClose` the reason if the server gave one.
export function connect(path, onMessage, onClose) {
  return new Promise((opened, failed) => {
    const url = new URL(path, location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(url);
    let refusal = null;
    socket.addEventListener("open", () => {
      socket.send(JSON.stringify({ csrf }));
      opened(socket);
    });
    socket.addEventListener("message", (event) => {
      const message = JSON.parse(event.data);
      // An error without a code is the server's last word.
      if (message.error && !message.error.code) refusal = message.error.message;
      else onMessage(message);
    });
    socket.addEventListener("close", () => {
      const reason = refusal === null ? new Error(LOST) : new Away(refusal);
      failed(reason);
      onClose(reason);
    });
  });
}

export function pause(seconds) {
  return new Promise((done) => setTimeout(done, 1000 * seconds));
}
