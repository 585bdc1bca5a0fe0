// Live views: the browser's own camera, and what the server watches.
import { setUpLiveCamera } from "./live_camera.js";
import { setUpWatched } from "./live_watched.js";

const camera = document.querySelector("[data-live-camera]");
if (camera) setUpLiveCamera(camera);

const watched = document.querySelector("[data-watched]");
if (watched) setUpWatched(watched);
