// A soundbite plays to its end: transcript.js plays it as any link with a time, this script stops it.

import { audio } from "./transcript.js";

const NONE = { t: 0, until: Infinity };
let bite = NONE;

document.querySelector(".soundbites").addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (link) bite = { t: Number(link.dataset.t), until: Number(link.dataset.until) };
});

audio.addEventListener("timeupdate", () => {
  if (audio.currentTime < bite.until) return;
  bite = NONE;
  audio.pause();
});

/** Who goes elsewhere meanwhile hears on. */
audio.addEventListener("seeking", () => {
  if (audio.currentTime < bite.t - 1 || audio.currentTime > bite.until) bite = NONE;
});
