// Takes a photo with the camera: in a dialog where the browser allows, else through a file field.

export function setUpCamera(root, take) {
  const button = root.querySelector("[data-camera]");
  const dialog = root.querySelector("[data-camera-dialog]");
  const view = root.querySelector("[data-camera-view]");
  const capture = root.querySelector("[data-capture]");
  const flip = root.querySelector("[data-camera-flip]");
  let stream = null;
  let facing = "environment";

  function stop() {
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = null;
    view.srcObject = null;
  }

  async function start() {
    stop();
    stream = await navigator.mediaDevices.getUserMedia({
      audio: false,
      video: { facingMode: facing, width: { ideal: 1920 }, height: { ideal: 1080 } },
    });
    view.srcObject = stream;
    await view.play();
    const devices = await navigator.mediaDevices.enumerateDevices();
    flip.hidden = devices.filter((device) => device.kind === "videoinput").length < 2;
  }

  async function open() {
    // Browsers offer the camera to pages only on this machine or over https.
    if (!navigator.mediaDevices?.getUserMedia) {
      capture.click();
      return;
    }
    dialog.showModal();
    try {
      await start();
    } catch {
      dialog.close();
      capture.click();
    }
  }

  function shoot() {
    if (!view.videoWidth) return;
    const canvas = document.createElement("canvas");
    canvas.width = view.videoWidth;
    canvas.height = view.videoHeight;
    canvas.getContext("2d").drawImage(view, 0, 0);
    canvas.toBlob((blob) => {
      dialog.close();
      take(new File([blob], "camera.jpg", { type: "image/jpeg" }));
    }, "image/jpeg", 0.95);
  }

  button.hidden = false;
  button.addEventListener("click", open);
  capture.addEventListener("change", () => { if (capture.files[0]) take(capture.files[0]); });
  root.querySelector("[data-camera-shoot]").addEventListener("click", shoot);
  root.querySelector("[data-camera-close]").addEventListener("click", () => dialog.close());
  flip.addEventListener("click", () => {
    facing = facing === "environment" ? "user" : "environment";
    start().catch(() => dialog.close());
  });
  dialog.addEventListener("close", stop);
}
