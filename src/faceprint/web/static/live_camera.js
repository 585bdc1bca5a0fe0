// The browser's camera: one picture goes out, its answer comes back, then the newest goes out.
import { failureNode } from "./http.js";
import { Away, connect, pause } from "./live_socket.js";
import { addEvents, showNow } from "./live_side.js";
import { drawFaces } from "./live_faces.js";
import { setUpAnalysis } from "./live_analysis.js";
import { setUpChallenge } from "./live_challenge.js";

const LONGEST_SIDE_PX = 960;
const JPEG_QUALITY = 0.8;
const LONGEST_WAIT_S = 15;
const LONGEST_GOODBYE_S = 3;

const TROUBLES = {
  NotAllowedError: "The browser was not allowed to use the camera. Allow it for this page (the sign beside the address), then start again.",
  NotFoundError: "There is no camera. Plug one in, then start again.",
  NotReadableError: "The camera is in use by another program. Close that, then start again.",
  OverconstrainedError: "This camera is gone. Choose another one.",
};
const INSECURE = "Browsers offer the camera to pages on this machine or over https alone. Open this page as http://127.0.0.1, or put it behind https.";

// The next picture of a video; hidden pages get none, and so send none.
function nextPicture(view) {
  return new Promise((done) => {
    if (view.requestVideoFrameCallback) view.requestVideoFrameCallback(done);
    else requestAnimationFrame(done);
  });
}

function pictureOf(view, canvas) {
  const scale = Math.min(1, LONGEST_SIDE_PX / Math.max(view.videoWidth, view.videoHeight));
  canvas.width = Math.round(view.videoWidth * scale);
  canvas.height = Math.round(view.videoHeight * scale);
  canvas.getContext("2d", { alpha: false }).drawImage(view, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob(done, "image/jpeg", JPEG_QUALITY));
}

// Sends pictures one at a time; an answer that never comes ends it.
class Line {
  constructor(onEvents) {
    this.onEvents = onEvents;
    this.answered = null;
    this.parting = false;
  }

  async open() {
    this.socket = await connect(
      "/live/camera",
      (message) => {
        if (message.events) this.onEvents(message.events);
        this.answered?.resolve(message);
      },
      (reason) => { this.lost = reason; this.answered?.reject(reason); },
    );
    return this;
  }

  async ask(picture) {
    if (this.socket.readyState !== WebSocket.OPEN) throw this.lost ?? new Error("The connection was lost.");
    const answer = new Promise((resolve, reject) => { this.answered = { resolve, reject }; });
    const timer = setTimeout(() => this.socket.close(), 1000 * LONGEST_WAIT_S);
    this.socket.send(picture);
    try {
      return await answer;
    } finally {
      clearTimeout(timer);
      this.answered = null;
    }
  }

  tell(words) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(words));
  }

  // Lets the server tell who has left, and close.
  part() {
    if (this.socket?.readyState !== WebSocket.OPEN) return this.close();
    this.parting = true;
    this.socket.send(JSON.stringify({ end: true }));
    setTimeout(() => this.socket.close(), 1000 * LONGEST_GOODBYE_S);
  }

  close() {
    if (!this.parting) this.socket?.close();
  }
}

export function setUpLiveCamera(root) {
  const part = (name) => root.querySelector(`[data-${name}]`);
  const stage = part("stage"), view = part("view"), overlay = part("faces");
  const status = part("status"), trouble = part("trouble");
  const devices = part("devices"), mirror = part("mirror");
  const canvas = document.createElement("canvas");
  let stream = null;
  let run = 0;
  let line = null;
  const analysis = setUpAnalysis(root, (words) => line?.tell(words));
  const challenge = setUpChallenge(root, (words) => line?.tell(words));

  function say(message) {
    trouble.replaceChildren(...(message ? [failureNode(message)] : []));
  }

  function stop(message = "") {
    run += 1;
    line?.part();
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = null;
    view.srcObject = null;
    view.hidden = true;
    stage.classList.add("idle");
    part("ask").hidden = false;
    part("bar").hidden = true;
    status.textContent = "";
    overlay.replaceChildren();
    analysis.clear();
    challenge.clear();
    showNow(root, []);
    say(message);
  }

  async function openCamera(deviceId) {
    const size = { width: { ideal: 1280 }, height: { ideal: 720 } };
    const which = deviceId ? { deviceId: { exact: deviceId } } : { facingMode: "user" };
    stream = await navigator.mediaDevices.getUserMedia({ audio: false, video: { ...size, ...which } });
    const [track] = stream.getVideoTracks();
    track.addEventListener("ended", () => stop("The camera was unplugged or switched off."));
    mirror.checked = track.getSettings().facingMode === "user";
    view.classList.toggle("mirrored", mirror.checked);
    view.srcObject = stream;
    view.hidden = false;
    await view.play();
  }

  async function listCameras() {
    const cameras = (await navigator.mediaDevices.enumerateDevices()).filter((one) => one.kind === "videoinput");
    const current = stream?.getVideoTracks()[0]?.getSettings().deviceId;
    devices.replaceChildren(...cameras.map((one, index) => {
      const option = new Option(one.label || `Camera ${index + 1}`, one.deviceId);
      option.selected = one.deviceId === current;
      return option;
    }));
    part("choice").hidden = cameras.length < 2;
  }

  async function start(deviceId) {
    if (!navigator.mediaDevices?.getUserMedia) {
      say(INSECURE);
      return;
    }
    stop();
    const mine = run;
    part("ask").hidden = true;
    status.textContent = "Waiting for the camera…";
    try {
      await openCamera(deviceId);
      await listCameras();
    } catch (error) {
      if (mine === run) stop(TROUBLES[error.name] ?? `The camera cannot be used: ${error.message}`);
      return;
    }
    stage.classList.remove("idle");
    part("bar").hidden = false;
    await look(mine);
  }

  async function look(mine) {
    for (let tries = 0; mine === run; tries += 1) {
      const own = line = new Line((events) => addEvents(root, events));
      try {
        await own.open();
        if (analysis.wanted) own.tell(analysis.wishes());
        await exchange(mine, own, () => { tries = 0; });
      } catch (error) {
        if (mine !== run) break;
        if (error instanceof Away) {
          stop(error.message);
          break;
        }
        say(error.message);
        drawFaces(overlay, { faces: [] }, false);
        analysis.clear();
        challenge.lost();
        await pause(Math.min(15, 1 + tries));
        await nextPicture(view);
      } finally {
        own.close();
      }
    }
  }

  async function exchange(mine, own, worked) {
    let count = 0;
    let since = performance.now();
    while (mine === run) {
      await nextPicture(view);
      if (mine !== run) return;
      const picture = await pictureOf(view, canvas);
      const sent = performance.now();
      const answer = await own.ask(picture);
      if (mine !== run) return;
      if (answer.error) {
        say(answer.error.message);
        continue;
      }
      if (answer.busy) {
        await pause(0.5);
        continue;
      }
      worked();
      say(answer.trouble);
      drawFaces(overlay, answer, mirror.checked);
      analysis.show(answer, mirror.checked);
      challenge.show(answer.challenge, mirror.checked);
      showNow(root, answer.faces);
      count += 1;
      const now = performance.now();
      if (now - since > 1000) {
        const rate = (1000 * count) / (now - since);
        status.textContent = `${rate.toFixed(0)} pictures a second, ${Math.round(now - sent)} ms each`;
        count = 0;
        since = now;
      }
    }
  }

  part("start").addEventListener("click", () => start());
  part("stop").addEventListener("click", () => stop());
  devices.addEventListener("change", () => start(devices.value));
  mirror.addEventListener("change", () => view.classList.toggle("mirrored", mirror.checked));
  addEventListener("pagehide", () => stop());
}
