// Progressive enhancement; every page works without this script. Episode page: the player, the text that follows the
// voice, quotes, find. Account page: a button copies the private link.

import { addKey, beginPlayer, hasListened, remembered, resumeAt } from "./player.js";
import { beginQuoting, copy, quoteByKey, quoteHeard } from "./quote.js";
import { article, audio, beginFollowing, bring, follow, land, light, rangeOf, say, sentences, words } from "./transcript.js";

// ---- find in this transcript: every place is lit, and one after the other brought into view

const bar = document.querySelector(".finding");
const field = bar?.querySelector("input");
const count = bar?.querySelector("output");
const state = { at: -1, ranges: [], from: null };

/** Fold case, accents and quotation marks; the length stays. */
const folded = (text) =>
  text.normalize("NFC").replace(/./gsu, (c) => c.normalize("NFD")[0]).replace(/[‘’‚]/g, "'").replace(/[“”„«»]/g, '"').toLowerCase();

function show() {
  const { at, ranges } = state;
  light("found", ranges);
  light("found-now", at < 0 ? [] : [ranges[at]]);
  count.textContent = !field.value.trim() ? "" : at < 0 ? `${ranges.length} found` : `${at + 1} of ${ranges.length}`;
}

/** Return the places of any of some folded texts, in the order of the transcript. */
function places(wanted) {
  const pattern = new RegExp(wanted.map((text) => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")).join("|"), "gu");
  return sentences.flatMap((sentence) => {
    const inside = folded(sentence.textContent);
    if (inside.length !== sentence.textContent.length) return []; // offsets would be wrong
    return [...inside.matchAll(pattern)].map(({ 0: text, index }) => rangeOf(sentence, index, index + text.length));
  });
}

/** Light every place of a text; of several words that are nowhere together, every place of each. */
function find(text) {
  const wanted = folded(text.trim());
  const each = wanted.split(/\s+/);
  state.at = -1;
  state.ranges = wanted ? places([wanted]) : [];
  if (!state.ranges.length && each.length > 1) state.ranges = places(each);
  show();
}

const sentenceOf = (range) => range.startContainer.parentElement;

/** Find what a hit of the search has in the address, `?find=`; the place that was landed at is the current one. */
function findFromAddress() {
  const text = new URLSearchParams(location.search).get("find");
  if (!field || !text) return;
  bar.hidden = false;
  field.value = text;
  find(text);
  const landed = sentences.findIndex((sentence) => sentence.classList.contains("marked"));
  state.at = landed < 0 ? -1 : state.ranges.findIndex((range) => sentences.indexOf(sentenceOf(range)) >= landed);
  show();
}

/** Go on to another place; return false if there is none. */
function go(step) {
  if (!state.ranges.length) return false;
  state.at = (state.at + step + state.ranges.length + (state.at < 0 && step < 0)) % state.ranges.length;
  follow(false);
  bring(sentenceOf(state.ranges[state.at]));
  show();
}

function close() {
  const address = new URL(location.href);
  address.searchParams.delete("find");
  history.replaceState(history.state, "", address);
  bar.hidden = true;
  field.value = "";
  find("");
  state.from?.focus();
}

function openFind() {
  state.from = document.activeElement;
  bar.hidden = false;
  field.focus();
  field.select();
}

function beginFinding() {
  if (!field) return;
  document.querySelector("[data-do=find]").addEventListener("click", openFind);
  field.addEventListener("input", () => find(field.value));
  bar.addEventListener("submit", (event) => {
    event.preventDefault();
    go(1);
  });
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.shiftKey) return;
    event.preventDefault();
    go(-1);
  });
  bar.addEventListener("keydown", (event) => event.key === "Escape" && close());
  const clicks = { "find-back": () => go(-1), "find-on": () => go(1), "find-close": close };
  for (const [name, act] of Object.entries(clicks)) {
    bar.querySelector(`[data-do=${name}]`).addEventListener("click", act);
  }
}

// ---- initialisation

if (audio && article) {
  beginPlayer();
  beginFollowing();
  beginQuoting();
  beginFinding();
  if (words) {
    addKey("c", quoteByKey);
    addKey("/", openFind);
    addKey("n", () => go(1));
    addKey("p", () => go(-1));
    document.querySelector("[data-do=quote-heard]").addEventListener("click", quoteHeard);
  }
  resumeAt(remembered(), { isElsewhere: !hasListened() && land() });
  findFromAddress();
}

const paper = document.querySelector("[data-do=print]");
paper?.removeAttribute("hidden");
paper?.addEventListener("click", () => print());

for (const button of document.querySelectorAll("[data-copy]")) {
  button.removeAttribute("hidden");
  button.addEventListener("click", async () => {
    await copy(document.getElementById(button.dataset.copy).textContent);
    say("Copied");
  });
}
