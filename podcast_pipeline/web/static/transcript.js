// The transcript: its sentences and the times of their words, in seconds in the audio; the text that follows the voice;
// two marks in the list of chapters, where the voice is and where the eye is; the way back; clicks that play.

export const audio = document.querySelector(".listen audio");
export const article = document.querySelector("article[data-url]");
export const words = document.querySelector(".transcript:not(.teaser)");
export const sentences = [...(words?.querySelectorAll(".s") ?? [])];
export const chapters = [...document.querySelectorAll(".chapters a[data-t]")];

const SAID_MS = 5000;
const BRINGING_MS = 1000; // a smooth scroll takes less
const FAR_WINDOWS = 2; // farther than this a smooth scroll takes long, and the eye cannot follow it

const still = matchMedia("(prefers-reduced-motion: reduce)");

/** What this browser keeps for the reader, as strings; one that refuses to (site data blocked) keeps nothing. */
export const memory = {
  get(key) {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  },
  set(key, value) {
    try {
      localStorage.setItem(key, value);
    } catch {}
  },
  forget(key) {
    try {
      localStorage.removeItem(key);
    } catch {}
  },
};

// data-times has a group for each sentence (view.encode_word_times): for each word the steps of 20 ms until the next
// word, as a letter after a hyphen for each 52 more, and the word's length if spaces do not delimit the word
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const STEP_CS = 2;
const NEAR_S = 0.016; // half a step, and half a centisecond: a citation may be older than the steps
const groups = words?.querySelector("[data-times]")?.dataset.times.split(",") ?? [];
const times = new Map(sentences.map((sentence, n) => [sentence, groups[n]]));

/** Return a time in whole centiseconds, as ids have it: after a seek to 66.88 the audio is at 66.879999. */
export const rounded = (t) => Math.round(t * 100) / 100;
export const position = () => rounded(audio.currentTime);
export const start = (sentence) => Number(sentence.id.slice("t=".length));
export const end = (sentence) => wordsOf(sentence).at(-1).until;
export const chapterStart = (link) => Number(link.dataset.t);

/** Return [{from, to, at, until}] for each word: character offsets in the sentence, start and end time. */
export function wordsOf(sentence) {
  const text = sentence.textContent;
  let from = 0;
  let at = Math.round(start(sentence) * 100);
  return [...times.get(sentence).matchAll(/(-*)([A-Za-z])(\d*)/g)].map(([, more, letter, length]) => {
    const lasts = STEP_CS * (more.length * LETTERS.length + LETTERS.indexOf(letter));
    const to = length ? Math.min(from + Number(length), text.length) : from + /^\s*\S*/.exec(text.slice(from))[0].length;
    const word = { from, to, at: at / 100, until: (at + lasts) / 100 };
    from = to;
    at += lasts;
    while (word.from < word.to && /\s/.test(text[word.from])) word.from += 1;
    return word;
  });
}

/** Return the last item of `list` whose value is not over `limit` (binary search); `list` is sorted by value. */
export function lastUpTo(list, limit, valueOf) {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (valueOf(list[middle]) <= limit) low = middle + 1;
    else high = middle;
  }
  return list[low - 1];
}

export function rangeOf(sentence, from, to) {
  const range = document.createRange();
  range.setStart(sentence.firstChild, from);
  range.setEnd(sentence.firstChild, to);
  return range;
}

/** Highlight ranges of text with the CSS Custom Highlight API; older browsers highlight sentences by class. */
export function light(name, ranges) {
  if (!("highlights" in CSS)) return;
  if (ranges.length) CSS.highlights.set(name, new Highlight(...ranges));
  else CSS.highlights.delete(name);
}

let brought = -Infinity;

/** Whether the page itself, not the reader, scrolls at the moment. */
export const isBringing = () => performance.now() - brought < BRINGING_MS;

/** Scroll a sentence into view: with its speaker's name if the turn so far fits, else in the middle. */
export function bring(sentence) {
  const { top, bottom } = sentence.getBoundingClientRect();
  const behavior = still.matches || Math.abs(top) > FAR_WINDOWS * innerHeight ? "instant" : "smooth";
  const who = sentence.closest(".turn")?.querySelector(".who");
  const above = who ? bottom - turnTop(who) : Infinity;
  if (above < innerHeight / 2) scrollTo({ top: scrollY + turnTop(who) - innerHeight / 5, behavior });
  else sentence.scrollIntoView({ block: "center", behavior });
  brought = performance.now(); // after the layout, which takes long in a long text
}

const turnTop = (who) => who.parentElement.getBoundingClientRect().top; // the name itself is sticky

/** Return `1:09` or `2:51:43`. */
export function clock(t) {
  const [h, m, s] = [Math.floor(t / 3600), Math.floor(t / 60) % 60, Math.floor(t) % 60].map(String);
  return h === "0" ? `${m}:${s.padStart(2, "0")}` : `${h}:${m.padStart(2, "0")}:${s.padStart(2, "0")}`;
}

/** Tell the reader in a line, for some seconds; screen readers read it out. */
export function say(text) {
  const line = document.querySelector("[role=status]");
  line.textContent = text;
  setTimeout(() => line.textContent === text && (line.textContent = ""), SAID_MS);
}

const CHAPTER_SLACK_S = 0.3; // as in view.py: a chapter that starts this soon after a sentence is its chapter
const UNDO_MS = 10_000;
const SCROLL_KEYS = new Set(["ArrowDown", "ArrowUp", "PageDown", "PageUp", "Home", "End", " "]);

const pill = document.querySelector(".pill");
const whens = [...(words?.querySelectorAll(".when") ?? [])];
const state = { sentence: null, isFollowing: true, eye: null, stop: null, undoUntil: 0, undoAt: 0 };

export const heard = () => state.sentence ?? sentences[0];
export const chapterAt = (t) => lastUpTo(chapters, t + CHAPTER_SLACK_S, chapterStart);

// ---- where the voice is

export function showHeard() {
  const t = position();
  const sentence = lastUpTo(sentences, t, start) ?? null;
  if (sentence !== state.sentence) {
    state.sentence?.classList.remove("heard");
    state.sentence = sentence;
    sentence?.classList.add("heard");
    if (sentence && state.isFollowing && !audio.paused) bring(sentence);
  }
  if (sentence) {
    const word = lastUpTo(wordsOf(sentence), t, (w) => w.at);
    light("heard", word && t < word.until ? [rangeOf(sentence, word.from, word.to)] : []);
  }
  const chapter = chapterAt(t);
  if (!chapter?.classList.contains("voice")) {
    for (const link of chapters) link.classList.toggle("voice", link === chapter);
    if (state.isFollowing) scrollList(chapter);
  }
  offerWayBack();
}

/** Follow the voice from now on, or stay where the reader has scrolled to. */
export function follow(isFollowing) {
  state.isFollowing = isFollowing;
  if (isFollowing && state.sentence) bring(state.sentence);
  offerWayBack();
}

/** Keep the list of chapters at one chapter, without moving the page. */
function scrollList(link) {
  const list = link?.closest("ol");
  if (!list || list.scrollHeight <= list.clientHeight) return;
  list.scrollTop = link.offsetTop - list.offsetTop - list.clientHeight / 3;
}

// ---- where the eye is

/** Return the sentence a third down the window, the last one above it, or undefined above the transcript. */
const atEye = () => lastUpTo(sentences, innerHeight / 3, (sentence) => sentence.getBoundingClientRect().top);

function showEye() {
  const sentence = atEye();
  const chapter = sentence && chapterAt(start(sentence));
  if (chapter !== state.eye) {
    state.eye?.removeAttribute("aria-current");
    state.eye = chapter;
    chapter?.setAttribute("aria-current", "location");
    if (!state.isFollowing || audio.paused) scrollList(chapter);
  }
  const when = sentence?.closest(".turn").querySelector(".when");
  if (when && !words.contains(document.activeElement)) oneStop(when);
}

/** Leave one time in the order of Tab, so that the text is one stop and not hundreds; arrows lead to the others. */
function oneStop(when) {
  if (state.stop) state.stop.tabIndex = -1;
  state.stop = when;
  when.tabIndex = 0;
}

function onTimeKey(event) {
  const at = whens.indexOf(event.target);
  const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: whens.length - 1 }[event.key];
  if (at < 0 || next === undefined || !whens[next]) return;
  event.preventDefault();
  event.stopPropagation();
  oneStop(whens[next]);
  whens[next].focus({ preventScroll: true });
  whens[next].closest(".turn").scrollIntoView({ block: "nearest" });
}

// ---- the way back

const isInView = (element) => {
  const box = element.getBoundingClientRect();
  return box.bottom > 0 && box.top < innerHeight;
};

function offerWayBack() {
  const isUndo = performance.now() < state.undoUntil;
  const isAway = state.sentence && !audio.paused && !state.isFollowing && !isInView(state.sentence);
  pill.hidden = !isUndo && !isAway;
  if (pill.hidden) return;
  const arrow = isUndo ? "↶" : state.sentence.getBoundingClientRect().top > 0 ? "↓" : "↑";
  const label = `${arrow} Back to ${clock(isUndo ? state.undoAt : position())}`;
  if (pill.textContent !== label) pill.textContent = label;
}

/**
 * Go to a time as to a new page: the browser's Back button, or for ten seconds a button, leads to the time before.
 *
 * Args:
 *   isStep: of a series of small steps, as on the scrubber; a series is one entry of the history.
 */
export function jump(t, { isStep = false } = {}) {
  const before = position();
  const isSeries = isStep && performance.now() < state.undoUntil;
  if (!isSeries) {
    history.replaceState({ at: before }, "");
    history.pushState({ at: t }, "", `#t=${rounded(t)}`);
    state.undoAt = before;
  } else history.replaceState({ at: t }, "", `#t=${rounded(t)}`);
  state.undoUntil = before || isSeries ? performance.now() + UNDO_MS : 0;
  setTimeout(offerWayBack, UNDO_MS + 50);
  audio.currentTime = t;
  showHeard();
  follow(true);
}

export function playFrom(t) {
  jump(t);
  audio.play().catch(() => {}); // the player shows why; the time is set anyway
}

function onHistory(event) {
  state.undoUntil = 0;
  if (event.state?.at === undefined) {
    land();
    return;
  }
  audio.currentTime = event.state.at;
  state.isFollowing = true;
  showHeard();
}

// ---- media fragments in the address, `#t=12.3` or `#t=12.3,20.5`; or a sentence and words, `?t=12.3,20.5#t=11`, where a
// browser without a script lands too

const TIME = /^#t=(\d+(?:\.\d+)?)(?:(?:,|%2c)(\d+(?:\.\d+)?))?$/i; // some programs encode the comma

/** Return the time in the address, or the words in it that begin in the very sentence. */
function addressed() {
  const match = TIME.exec(location.hash);
  const cited = TIME.exec(`#t=${new URLSearchParams(location.search).get("t")}`);
  const sentence = match && cited && lastUpTo(sentences, rounded(Number(cited[1])), start);
  return sentence && sentence.id === location.hash.slice(1) ? cited : match;
}

/** Return {from, until} of the place in the address, in seconds, `until` undefined at a single time; null without a place. */
export function placeInAddress() {
  const match = addressed();
  return match && { from: Number(match[1]), until: match[2] && Number(match[2]) };
}

/** Go to the place in the address, mark it and return whether there is one. */
export function land() {
  const place = placeInAddress();
  if (!place) return false;
  const { from, until } = place;
  const first = lastUpTo(sentences, rounded(from), start) ?? sentences[0];
  audio.currentTime = from;
  showHeard();
  if (first) mark(from, until || end(first));
  return true;
}

function mark(from, until) {
  const inside = sentences.filter((s) => start(s) < until - NEAR_S && end(s) > from + NEAR_S);
  for (const sentence of sentences) sentence.classList.toggle("marked", inside.includes(sentence));
  const ranges = inside.flatMap((sentence) => {
    const cited = wordsOf(sentence).filter((w) => w.at > from - NEAR_S && w.at < until - NEAR_S);
    return cited.length ? [rangeOf(sentence, cited[0].from, cited.at(-1).to)] : [];
  });
  words.classList.toggle("has-marks", ranges.length > 0 && "highlights" in CSS);
  light("marked", ranges);
  if (inside.length) bring(inside[0]);
}

// ---- clicks: times, chapters, the button in the margin, and words if the reader has switched that on

const tap = document.querySelector("[data-do=tap]");
const DOUBLE_CLICK_MS = 300;

function wordAt(event, sentence) {
  const place = document.caretPositionFromPoint?.(event.clientX, event.clientY);
  const range = place ? null : document.caretRangeFromPoint?.(event.clientX, event.clientY);
  const offset = place?.offset ?? range?.startOffset ?? 0;
  return wordsOf(sentence).findLast((w) => w.from <= offset)?.at ?? start(sentence);
}

let hadSelection = false;
let waiting = 0;

/** Play the word that was tapped; a double click, or a click that ends a selection, is meant otherwise. */
function onTap(event, sentence) {
  clearTimeout(waiting);
  if (!tap.checked || hadSelection || event.detail > 1) return;
  waiting = setTimeout(() => getSelection().isCollapsed && playFrom(wordAt(event, sentence)), DOUBLE_CLICK_MS);
}

function onClick(event) {
  const link = event.target.closest("a[data-t], a.when");
  if (link) {
    event.preventDefault();
    link.closest("[popover]")?.hidePopover();
    playFrom(Number(link.dataset.t ?? link.hash.slice("#t=".length)));
    return;
  }
  const sentence = event.target.closest(".transcript:not(.teaser) .s");
  if (sentence) onTap(event, sentence);
}

// one button, which stands in the margin of the paragraph under the mouse
const margin = document.querySelector("[data-do=margin]");

function onPointer(event) {
  const paragraph = event.target.closest?.(".said p");
  if (!paragraph || event.pointerType === "touch") return;
  margin.hidden = false;
  margin.style.top = `${paragraph.offsetTop}px`;
  margin.dataset.t = start(paragraph.querySelector(".s"));
  margin.setAttribute("aria-label", `Play from ${clock(margin.dataset.t)}`);
}

// ---- initialisation

function everyFrame() {
  showHeard();
  if (!audio.paused) requestAnimationFrame(everyFrame);
}

/** A key that scrolls the page, like a wheel, ends the following; after the shortcuts, which may have used it. */
function onScrollKey(event) {
  if (SCROLL_KEYS.has(event.key) && !event.defaultPrevented && !event.target.matches("input, select, button")) follow(false);
}

let isDue = false;

function onScroll() {
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(() => {
    isDue = false;
    showEye();
    const isAway = state.sentence && !audio.paused && !isBringing() && !isInView(state.sentence);
    if (isAway) follow(false); // by the bar of the window, a search of the browser, a screen reader
    offerWayBack();
  });
}

/** A wheel or a finger on the text ends the following; on the player and the chapters it is meant for them. */
const onMove = (event) => event.target.closest?.(".deck, .chapters") ?? follow(false);

export function beginFollowing() {
  audio.addEventListener("play", () => follow(true));
  audio.addEventListener("play", everyFrame);
  audio.addEventListener("seeked", showHeard);
  pill.addEventListener("click", () => (performance.now() < state.undoUntil ? history.back() : follow(true)));
  for (const name of ["wheel", "touchmove"]) addEventListener(name, onMove, { passive: true });
  addEventListener("keydown", onScrollKey);
  addEventListener("scroll", onScroll, { passive: true });
  addEventListener("popstate", onHistory);
  article.addEventListener("click", onClick);
  words?.addEventListener("pointerdown", () => (hadSelection = !getSelection().isCollapsed), true);
  words?.addEventListener("keydown", onTimeKey);
  words?.addEventListener("focusin", (event) => whens.includes(event.target) && oneStop(event.target));
  words?.addEventListener("pointerover", onPointer);
  margin?.addEventListener("click", () => playFrom(Number(margin.dataset.t)));
  if (tap) {
    tap.checked = memory.get("tap") === "on";
    const apply = () => words.classList.toggle("taps", tap.checked);
    tap.addEventListener("change", () => memory.set("tap", tap.checked ? "on" : "off"));
    tap.addEventListener("change", apply);
    apply();
  }
  for (const when of whens) when.tabIndex = -1;
  if (whens.length) oneStop(whens[0]);
  showEye();
}
