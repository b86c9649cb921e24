// The player at the bottom of the window: play, skip, chapters, speed, timer, volume; position and settings in
// localStorage; lock screen and headset keys; shortcuts.

import {
  article, audio, chapterAt, chapterStart, chapters, clock, isBringing, jump, memory, playFrom, position, say,
} from "./transcript.js";

const SPEEDS = [0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 1, 1.1, 1.2, 1.25, 1.3, 1.4, 1.5, 1.6, 1.75, 2, 2.25, 2.5, 2.75, 3];
const BACK_S = 15;
const FORWARD_S = 30;
const RESTART_S = 3; // "previous chapter" later than this into a chapter starts the chapter again
const SAVE_EVERY_S = 5;
const NEAR_END_S = 15; // an episode played to here counts as finished: the next visit starts at 0
const KEY = `position:${location.pathname}`;
const SLOW_MS = 5000; // without sound for longer than this, the reader is told
const FAULTS = { 2: "The connection was lost.", 3: "The audio cannot be played from here." };

const deck = document.querySelector(".deck");
const part = (name) => document.querySelector(`[data-do=${name}]`);
const scrubber = part("scrub");
const state = {
  isStarted: false, isPlaced: false, isMoved: false, resumeAt: 0, saved: 0, slow: 0,
  stopAt: 0, stopChapter: null, ticking: 0, scrolled: 0,
};

const duration = () => audio.duration || Number(scrubber.max);

// ---- play, skip, chapters

const toggle = () => (audio.paused ? audio.play().catch(() => {}) : audio.pause()); // showFault says why it failed
const begin = () => (state.resumeAt ? playFrom(state.resumeAt) : toggle());

function skip(seconds) {
  state.isPlaced = true;
  audio.currentTime = Math.min(Math.max(0, audio.currentTime + seconds), duration());
}

/** Go to a time by the player: that place is remembered, also before anything was played. */
function seekTo(t) {
  state.isPlaced = true;
  jump(t, { isStep: true });
}

function toChapter(step) {
  const current = chapterAt(position());
  const isLate = current && position() - chapterStart(current) > RESTART_S;
  const link = step < 0 && isLate ? current : chapters[chapters.indexOf(current) + step];
  if (link) seekTo(chapterStart(link));
}

function showTime() {
  const t = scrubber.dataset.isHeld ? Number(scrubber.value) : position();
  const chapter = chapterAt(t)?.lastElementChild.textContent ?? "";
  if (!scrubber.dataset.isHeld) scrubber.value = String(t);
  deck.style.setProperty("--done", `${(100 * t) / (duration() || 1)}%`);
  scrubber.setAttribute("aria-valuetext", `${clock(t)} of ${clock(duration())}${chapter && `, ${chapter}`}`);
  deck.querySelector(".now").textContent = clock(t);
  deck.querySelector(".left").textContent = `−${clock(Math.max(0, duration() - t))}`;
  deck.querySelector(".title-now").textContent = chapter;
}

function showState() {
  const isPlaying = !audio.paused && !audio.ended;
  for (const button of document.querySelectorAll("[data-do=play]")) {
    button.setAttribute("aria-label", isPlaying ? "Pause" : "Play");
    button.classList.toggle("is-playing", isPlaying);
  }
  const at = state.resumeAt || position();
  part("begin").lastChild.data = isPlaying ? " Pause" : at ? ` Continue at ${clock(at)}` : " Play";
  part("begin").classList.toggle("is-playing", isPlaying);
  if ("mediaSession" in navigator) navigator.mediaSession.playbackState = isPlaying ? "playing" : "paused";
}

function addTicks() {
  const rail = deck.querySelector(".rail");
  rail.querySelectorAll("i").forEach((tick) => tick.remove());
  for (const link of chapters.slice(1)) {
    const tick = document.createElement("i");
    tick.style.insetInlineStart = `${(100 * chapterStart(link)) / duration()}%`;
    rail.append(tick);
  }
}

// ---- position and settings

function remember() {
  if (!state.isStarted && !state.isPlaced) return;
  const isHeard = audio.duration && audio.currentTime > audio.duration - NEAR_END_S;
  if (isHeard || audio.currentTime < 1) memory.forget(KEY);
  else memory.set(KEY, String(audio.currentTime));
  if (!hasListened()) history.replaceState({ ...history.state, hasListened: true }, "");
}

/** Whether one has listened on from the place in the address: after a reload the position counts, not the address. */
export const hasListened = () => history.state?.hasListened === true;

function setSpeed(speed) {
  audio.playbackRate = speed;
  audio.defaultPlaybackRate = speed;
  part("speed").value = String(speed);
  memory.set("speed", String(speed));
}

function turnSpeed(step) {
  setSpeed(SPEEDS[SPEEDS.indexOf(audio.playbackRate) + step] ?? audio.playbackRate);
  say(`Speed ${audio.playbackRate}×`);
}

function setVolume(volume) {
  audio.volume = volume;
  audio.muted = false;
  memory.set("volume", String(volume));
}

function toggleSound() {
  audio.muted = !audio.muted;
  part("volume").value = String(audio.muted ? 0 : audio.volume);
  say(audio.muted ? "Sound off" : "Sound on");
}

// ---- timer

function setTimer(choice) {
  state.stopAt = Number(choice) ? Date.now() + 60_000 * Number(choice) : 0;
  state.stopChapter = choice === "chapter" ? chapterAt(position()) : null;
  clearInterval(state.ticking);
  if (state.stopAt) state.ticking = setInterval(showTimer, 1000);
  showTimer();
}

/** Show beside the other buttons how long the timer still runs. */
function showTimer() {
  part("timing").hidden = !state.stopAt && !state.stopChapter;
  const left = state.stopAt ? clock(Math.max(0, state.stopAt - Date.now()) / 1000) : "chapter";
  part("timing").lastElementChild.textContent = left;
}

/** After a jump it is the chapter jumped to that the timer waits for. */
function renewTimer() {
  if (state.stopChapter) state.stopChapter = chapterAt(position());
}

function keepTimer() {
  const isOver = state.stopAt && Date.now() >= state.stopAt;
  const isNext = state.stopChapter && chapterAt(position()) !== state.stopChapter;
  if (!isOver && !isNext) return;
  audio.pause();
  setTimer("");
  part("timer").value = "";
  say("The timer has stopped the audio");
}

// ---- failures

function showFault() {
  const isSlow = !audio.error && audio.networkState === HTMLMediaElement.NETWORK_LOADING;
  const reason = isSlow ? "The audio is slow to come." : (FAULTS[audio.error?.code] ?? "The audio could not be loaded.");
  const why = navigator.onLine ? reason : "There is no connection.";
  const fault = deck.querySelector(".fault");
  fault.hidden = false;
  fault.firstElementChild.textContent = why;
  deck.classList.remove("is-folded");
  showState();
}

/** Show that the audio is waited for, in words after a while; a browser may try for minutes before it fails. */
function setWaiting(isWaiting) {
  clearTimeout(state.slow);
  deck.classList.toggle("is-waiting", isWaiting);
  if (isWaiting) state.slow = setTimeout(showFault, SLOW_MS);
  else if (!audio.error) deck.querySelector(".fault").hidden = true;
}

function retry() {
  const t = audio.currentTime || Number(scrubber.value);
  deck.querySelector(".fault").hidden = true;
  audio.load();
  audio.currentTime = t;
  audio.play().catch(() => {});
  part("play").focus();
}

// ---- lock screen, headset keys

function fillMediaSession() {
  if (!("mediaSession" in navigator)) return;
  const artwork = document.querySelector("meta[property='og:image']")?.content;
  const { title, show, author } = article.dataset;
  navigator.mediaSession.metadata = new MediaMetadata({
    title, album: show, artist: author, artwork: artwork ? [{ src: artwork }] : [],
  });
  const actions = {
    play: () => audio.play(),
    pause: () => audio.pause(),
    seekbackward: (details) => skip(-(details.seekOffset ?? BACK_S)),
    seekforward: (details) => skip(details.seekOffset ?? FORWARD_S),
    seekto: (details) => seekTo(details.seekTime),
    ...(chapters.length ? { previoustrack: () => toChapter(-1), nexttrack: () => toChapter(1) } : {}),
  };
  for (const [action, act] of Object.entries(actions)) {
    try {
      navigator.mediaSession.setActionHandler(action, act);
    } catch {} // an action that this browser does not know
  }
}

function tellPosition() {
  if (!audio.duration || !navigator.mediaSession?.setPositionState) return;
  const { duration: length, playbackRate } = audio;
  navigator.mediaSession.setPositionState({ duration: length, playbackRate, position: Math.min(audio.currentTime, length) });
}

// ---- chapters as a sheet, while the window has no room for a column

function openChapters() {
  const list = document.querySelector(".chapters");
  const place = list.parentElement;
  place.style.minHeight = `${place.offsetHeight}px`; // the text stays where it is while the list is a sheet
  list.popover = "auto";
  list.addEventListener("toggle", function onToggle(event) {
    if (event.newState !== "closed") return;
    list.removeEventListener("toggle", onToggle);
    list.removeAttribute("popover");
    place.style.minHeight = "";
  });
  list.showPopover();
  (list.querySelector(".voice") ?? chapters[0]).focus();
}

// ---- shortcuts: one letter each, so that they can be switched off (WCAG 2.1.4)

const KEYS = {
  " ": () => (state.isStarted || !audio.paused) && toggle(), // before anything was played, Space scrolls as on any page
  k: toggle,
  ArrowLeft: () => skip(-BACK_S),
  ArrowRight: () => skip(FORWARD_S),
  "Shift+ArrowLeft": () => toChapter(-1),
  "Shift+ArrowRight": () => toChapter(1),
  "<": () => turnSpeed(-1),
  ">": () => turnSpeed(1),
  m: toggleSound,
  "?": () => openHelp(),
};

function openHelp() {
  document.querySelector("#more").hidePopover();
  document.querySelector("#help").togglePopover();
}

/** Add a shortcut; `act` returns false if the key should do what it does on any page. */
export const addKey = (key, act) => (KEYS[key] = act);

function onKey(event) {
  const isTyping = event.target.matches("input:not([type=range], [type=checkbox]), select, textarea, [contenteditable]");
  const isPressing = event.key === " " && event.target.matches("button, a, summary, [type=checkbox]");
  const isSliding = event.key.startsWith("Arrow") && event.target.matches("[type=range]");
  const isSelecting = event.key.startsWith("Arrow") && event.shiftKey && !getSelection().isCollapsed;
  if (isTyping || isPressing || isSliding || isSelecting || event.ctrlKey || event.metaKey || event.altKey) return;
  const isArrow = event.shiftKey && event.key.startsWith("Arrow");
  const act = KEYS[isArrow ? `Shift+${event.key}` : event.key.length > 1 ? event.key : event.key.toLowerCase()];
  if (!act || !part("keys").checked || act() === false) return;
  event.preventDefault();
}

// ---- fold: without sound the player leaves the text alone while one reads on

const isFixed = () => getComputedStyle(deck).position === "fixed";

function onScroll() {
  const down = scrollY - state.scrolled;
  if (Math.abs(down) < 12) return;
  state.scrolled = scrollY;
  if (!state.isMoved || isBringing()) return; // the browser, which restores the place of a page
  const isUsed = deck.querySelector(":focus-visible, .fault:not([hidden]), .finding:not([hidden])");
  const mayFold = audio.paused && isFixed() && !isUsed;
  deck.classList.toggle("is-folded", down > 0 && mayFold);
}

const unfold = () => deck.classList.remove("is-folded");

// ---- initialisation

function listen() {
  const clicks = {
    play: toggle, begin,
    back: () => skip(-BACK_S), forward: () => skip(FORWARD_S), previous: () => toChapter(-1), next: () => toChapter(1),
    chapters: openChapters, retry, help: openHelp,
  };
  for (const [name, act] of Object.entries(clicks)) {
    for (const button of document.querySelectorAll(`[data-do=${name}]`)) button.addEventListener("click", act);
  }
  scrubber.addEventListener("input", () => {
    scrubber.dataset.isHeld = "yes";
    showTime();
  });
  scrubber.addEventListener("change", () => {
    delete scrubber.dataset.isHeld;
    seekTo(Number(scrubber.value));
  });
  part("speed").addEventListener("change", (event) => setSpeed(Number(event.target.value)));
  part("volume").addEventListener("input", (event) => setVolume(Number(event.target.value)));
  part("timer").addEventListener("change", (event) => setTimer(event.target.value));
  part("keys").addEventListener("change", (event) => memory.set("keys", event.target.checked ? "on" : "off"));
  addEventListener("keydown", onKey);
  for (const name of ["wheel", "touchmove", "keydown", "pointerdown"]) {
    addEventListener(name, () => (state.isMoved = true), { passive: true, once: true });
  }
  addEventListener("scroll", onScroll, { passive: true });
  for (const name of ["focusin", "pointerenter"]) deck.addEventListener(name, unfold);

  const tabs = new BroadcastChannel("player"); // one tab of the site plays: two would overwrite one position
  tabs.addEventListener("message", () => audio.pause());
  audio.addEventListener("play", () => {
    tabs.postMessage("plays");
    state.isStarted = true;
    state.resumeAt = 0;
    unfold();
    deck.querySelector(".fault").hidden = true;
  });
  for (const name of ["play", "pause", "ended", "seeked", "loadedmetadata"]) audio.addEventListener(name, showState);
  for (const name of ["timeupdate", "seeking", "durationchange"]) audio.addEventListener(name, showTime);
  audio.addEventListener("seeking", renewTimer);
  audio.addEventListener("seeked", () => audio.paused && state.isPlaced && remember());
  for (const name of ["play", "seeked", "ratechange", "durationchange"]) audio.addEventListener(name, tellPosition);
  audio.addEventListener("durationchange", () => {
    if (!Number.isFinite(audio.duration)) return;
    scrubber.max = String(audio.duration);
    addTicks();
  });
  audio.addEventListener("timeupdate", () => {
    keepTimer();
    if (audio.paused || Math.abs(audio.currentTime - state.saved) < SAVE_EVERY_S) return;
    state.saved = audio.currentTime;
    remember();
  });
  audio.addEventListener("pause", remember);
  audio.addEventListener("error", showFault);
  audio.addEventListener("waiting", () => setWaiting(true));
  for (const name of ["playing", "pause", "error"]) audio.addEventListener(name, () => setWaiting(false));
}

export function beginPlayer() {
  for (const speed of SPEEDS) part("speed").append(new Option(`${speed}×`, speed, speed === 1, speed === 1));
  audio.controls = false;
  for (const element of [part("begin"), deck]) element.hidden = false;
  listen();
  new ResizeObserver(() => {
    document.documentElement.style.setProperty("--deck", `${isFixed() ? deck.offsetHeight : 0}px`);
  }).observe(deck);
  addTicks();
  fillMediaSession();
  part("keys").checked = memory.get("keys") !== "off";
  const speed = Number(memory.get("speed"));
  if (SPEEDS.includes(speed)) setSpeed(speed);
  const volume = memory.get("volume");
  if (volume) part("volume").value = String((audio.volume = Number(volume)));
  if (audio.error || audio.networkState === HTMLMediaElement.NETWORK_NO_SOURCE) showFault();
}

/** Return the position that an earlier visit has left, in seconds; 0 without one. */
export const remembered = () => Number(memory.get(KEY)) || 0;

/**
 * Offer to continue at a position.
 *
 * Args:
 *   isElsewhere: the page was opened at another place; the player stays there.
 */
export function resumeAt(t, { isElsewhere }) {
  if (t && isElsewhere) state.resumeAt = t;
  else if (t) audio.currentTime = t;
  showState();
  showTime();
}
