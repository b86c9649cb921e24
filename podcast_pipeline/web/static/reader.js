// Progressive enhancement. Episode page: highlight the current word, play from a click, cite, find, remember the
// position. Account page: a button copies the private link.
// The pages work without this script. Times are seconds in the audio.

const audio = document.querySelector("#player audio");
const article = document.querySelector("article[data-url]");
const words = document.querySelector(".transcript:not(.teaser)");
const sentences = [...(words?.querySelectorAll(".s") ?? [])];
const chapters = [...document.querySelectorAll(".chapters a[data-t]")];
const still = matchMedia("(prefers-reduced-motion: reduce)");

const SPEEDS = [0.75, 1, 1.25, 1.5, 1.75, 2];
const SAVE_EVERY_S = 5;
const NEAR_END_S = 15; // an episode played to here counts as finished: the next visit starts at 0

// ---- word times: data-times has a group for each sentence (view.encode_word_times). A group has for each word the
// centiseconds until the next word, and the word's length if spaces do not delimit the word

const groups = words?.querySelector("[data-times]")?.dataset.times.split(",") ?? [];
const times = new Map(sentences.map((sentence, n) => [sentence, groups[n].split(" ")]));

const start = (sentence) => Number(sentence.id.slice("t=".length));
const end = (sentence) => wordsOf(sentence).at(-1).until;

/** Return [{from, to, at, until}] for each word: character offsets in the sentence, start and end time. */
function wordsOf(sentence) {
  const text = sentence.textContent;
  let from = 0;
  let at = Math.round(start(sentence) * 100);
  return times.get(sentence).map((mark) => {
    const [lasts, length] = mark.split(":").map(Number);
    const to = length ? Math.min(from + length, text.length) : from + /^\s*\S*/.exec(text.slice(from))[0].length;
    const word = { from, to, at: at / 100, until: (at + lasts) / 100 };
    from = to;
    at += lasts;
    while (word.from < word.to && /\s/.test(text[word.from])) word.from += 1;
    return word;
  });
}

/** Return the last item of `list` whose time is not after `t` (binary search); `list` is sorted by time. */
function lastBefore(list, t, timeOf) {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (timeOf(list[middle]) <= t) low = middle + 1;
    else high = middle;
  }
  return list[low - 1];
}

function rangeOf(sentence, from, to) {
  const range = document.createRange();
  range.setStart(sentence.firstChild, from);
  range.setEnd(sentence.firstChild, to);
  return range;
}

/** Highlight ranges of text with the CSS Custom Highlight API; older browsers highlight sentences by class. */
function light(name, ranges) {
  if (!("highlights" in CSS)) return;
  if (ranges.length) CSS.highlights.set(name, new Highlight(...ranges));
  else CSS.highlights.delete(name);
}

function bring(element) {
  element.scrollIntoView({ block: "center", behavior: still.matches ? "auto" : "smooth" });
}

// ---- the text follows the audio

const state = { sentence: null, isFollowing: true };

function showHeard() {
  const sentence = lastBefore(sentences, audio.currentTime, start);
  if (sentence !== state.sentence) {
    state.sentence?.classList.remove("heard");
    state.sentence = sentence;
    sentence?.classList.add("heard");
    if (sentence && state.isFollowing && !audio.paused) bring(sentence);
  }
  if (sentence) {
    const word = lastBefore(wordsOf(sentence), audio.currentTime, (w) => w.at);
    light("heard", word && audio.currentTime < word.until ? [rangeOf(sentence, word.from, word.to)] : []);
  }
  const chapter = lastBefore(chapters, audio.currentTime, (a) => Number(a.dataset.t));
  for (const link of chapters) link.setAttribute("aria-current", String(link === chapter));
}

function everyFrame() {
  showHeard();
  if (!audio.paused) requestAnimationFrame(everyFrame);
}

function follow(isFollowing) {
  state.isFollowing = isFollowing;
  const button = document.querySelector("[data-do=follow]");
  button?.setAttribute("aria-pressed", String(isFollowing));
  if (isFollowing && state.sentence) bring(state.sentence);
}

function playFrom(t) {
  audio.currentTime = t;
  follow(true);
  audio.play().catch(() => {}); // autoplay may be blocked; the time is set anyway
}

// ---- the audio follows clicks in the text

function clickedTime(event) {
  const sentence = event.target.closest(".s");
  if (!sentence || !getSelection().isCollapsed) return null;
  const place = document.caretPositionFromPoint?.(event.clientX, event.clientY);
  const range = place ? null : document.caretRangeFromPoint?.(event.clientX, event.clientY);
  const offset = place?.offset ?? range?.startOffset ?? 0;
  const word = wordsOf(sentence).findLast((w) => w.from <= offset);
  return word ? word.at : start(sentence);
}

function onClick(event) {
  const link = event.target.closest("a[data-t], a.when");
  if (link) {
    const t = Number(link.dataset.t ?? link.hash.replace("#t=", ""));
    event.preventDefault();
    history.replaceState(null, "", `#t=${t}`);
    playFrom(t);
    return;
  }
  const t = clickedTime(event);
  if (t !== null) playFrom(t);
}

// ---- media fragments in the URL, `#t=12.3` or `#t=12.3,20.5`

function land() {
  const match = /^#t=([\d.]+)(?:,([\d.]+))?$/.exec(decodeURIComponent(location.hash));
  if (!match) return false;
  const from = Number(match[1]);
  const first = lastBefore(sentences, from + 0.005, start) ?? sentences[0];
  const until = match[2] ? Number(match[2]) : first ? end(first) : from;
  audio.currentTime = from;
  mark(from, until);
  return true;
}

function mark(from, until) {
  const inside = sentences.filter((s) => start(s) < until && end(s) > from);
  for (const sentence of sentences) sentence.classList.toggle("marked", inside.includes(sentence));
  const ranges = inside.flatMap((sentence) => {
    const cited = wordsOf(sentence).filter((w) => w.at >= from - 0.006 && w.at < until);
    return cited.length ? [rangeOf(sentence, cited[0].from, cited.at(-1).to)] : [];
  });
  words?.classList.toggle("has-marks", ranges.length > 0 && "highlights" in CSS);
  light("marked", ranges);
  if (inside.length) bring(inside[0]);
}

// ---- citations

/** Return the selection, extended to whole words: {parts: [{speaker, text}], from, until}, or null. */
function cited() {
  const selection = getSelection();
  if (!words || selection.isCollapsed || !selection.rangeCount) return null;
  const range = selection.getRangeAt(0);
  const parts = [];
  let from = null;
  let until = null;
  for (const sentence of sentences) {
    if (!range.intersectsNode(sentence)) continue;
    const text = sentence.firstChild;
    const a = range.startContainer === text ? range.startOffset : 0;
    const b = range.endContainer === text ? range.endOffset : text.length;
    const all = wordsOf(sentence);
    const chosen = all.filter((w) => w.to > a && w.from < b);
    if (!chosen.length) continue;
    from ??= chosen[0].at;
    until = chosen.at(-1).until;
    const speaker = sentence.closest(".turn").querySelector("cite")?.textContent ?? "";
    const said = text.data.slice(chosen[0].from, chosen.at(-1).to).trim();
    if (parts.at(-1)?.speaker === speaker) parts.at(-1).text += ` ${said}`;
    else parts.push({ speaker, text: said });
  }
  return parts.length ? { parts, from, until } : null;
}

const round = (t) => String(Math.round(t * 100) / 100);
const clock = (t) => {
  const [h, m, s] = [Math.floor(t / 3600), Math.floor(t / 60) % 60, Math.floor(t) % 60].map(String);
  return h === "0" ? `${m}:${s.padStart(2, "0")}` : `${h}:${m.padStart(2, "0")}:${s.padStart(2, "0")}`;
};

function address(quote) {
  const sentence = sentences.find((s) => start(s) === quote.from && Math.abs(end(s) - quote.until) < 0.005);
  return `${article.dataset.url}#${sentence ? sentence.id : `t=${round(quote.from)},${round(quote.until)}`}`;
}

// BibTeX counts even escaped braces, and \~ and \^ are accents
const TEX = { "\\": "backslash", "{": "braceleft", "}": "braceright", "~": "asciitilde", "^": "asciicircum" };
const bibtex = (text) => text.replace(/[\\{}~^&%$#_]/g, (c) => (TEX[c] ? `\\text${TEX[c]}{}` : `\\${c}`));

/** Escape text for Markdown, also at the start of a line. */
const markdown = (text) =>
  text.replace(/[\\`*_[\]<>#&~|!]/g, "\\$&").replace(/^[-+=]/, "\\$&").replace(/^(\d+)([.)])/, "$1\\$2");

const stopped = (text) => (/[.?!…。？！]["”’»]?$/.test(text) ? text : `${text}.`);

/** Return a name in APA style, `van Gogh, V.`; a single word or a script without capitals stays unchanged. */
function surnameFirst(name) {
  const parts = name.trim().split(/\s+/);
  const suffix = parts.length > 2 && /^(Jr|Sr)\.?$|^[IV]+$/.test(parts.at(-1)) ? `, ${parts.pop()}` : "";
  const particle = parts.findIndex((part, n) => n > 0 && part === part.toLowerCase());
  const surname = particle > 0 ? particle : parts.length - 1;
  if (surname < 1 || name.toLowerCase() === name.toUpperCase()) return name;
  const initial = (part) => part.split("-").filter(Boolean).map((given) => `${[...given][0]}.`).join("-");
  return `${parts.slice(surname).join(" ")}, ${parts.slice(0, surname).map(initial).join(" ")}${suffix}`;
}

const STYLES = {
  plain(quote, d) {
    const said = quote.parts.map((p) => `“${p.text}”${p.speaker ? ` (${p.speaker})` : ""}`).join("\n");
    return `${said}\n${stopped(d.title)} ${d.show}, ${d.date}, ${clock(quote.from)}. ${address(quote)}`;
  },
  markdown(quote, d) {
    const said = quote.parts.map((p) => `> ${p.speaker ? `**${markdown(p.speaker)}:** ` : ""}${markdown(p.text)}`);
    const source = `> — [${markdown(d.title)}](${address(quote)}), *${markdown(d.show)}*, ${d.date}, ${clock(quote.from)}`;
    return `${said.join("\n>\n")}\n>\n${source}`;
  },
  bibtex(quote, d) {
    const authors = [...new Set(quote.parts.map((p) => p.speaker).filter(Boolean))];
    const said = quote.parts.map((p) => `\`\`${bibtex(p.text)}''`).join(" ");
    const fields = {
      author: (authors.length ? authors : [d.author]).map((a) => `{${bibtex(a)}}`).join(" and "),
      title: `{${bibtex(d.title)}}`,
      howpublished: `Podcast episode, ${bibtex(d.show)}, ${bibtex(d.author)}`,
      year: d.iso.slice(0, 4),
      month: String(Number(d.iso.slice(5, 7))),
      url: address(quote),
      note: `At ${clock(quote.from)}: ${said}`,
    };
    const lines = Object.entries(fields).map(([name, value]) => `  ${name} = {${value}},`);
    return `@misc{${d.slug}-${Math.round(quote.from)},\n${lines.join("\n")}\n}`;
  },
  apa(quote, d) {
    const hosts = JSON.parse(d.hosts).map(surnameFirst);
    const names = hosts.length > 1 ? `${hosts.slice(0, -1).join(", ")}, & ${hosts.at(-1)}` : hosts[0];
    const who = names ? `${names} (Host${hosts.length > 1 ? "s" : ""}).` : stopped(d.author);
    const [year, , day] = d.iso.slice(0, 10).split("-").map(Number);
    const monthName = d.date.split(" ")[1];
    const number = d.number ? ` (No. ${d.number})` : "";
    const said = quote.parts.map((p) => `“${p.text}”`).join(" ");
    return (
      `${said} (${clock(quote.from)})\n${who} (${year}, ${monthName} ${day}). ` +
      `${d.title}${number} [Audio podcast episode]. In ${stopped(d.show)} ${stopped(d.author)} ${address(quote)}`
    );
  },
  link: (quote) => address(quote),
};

async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea"); // the clipboard API needs https
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
  return undefined;
}

function offerCitation() {
  const bar = document.querySelector(".cite");
  const quote = cited();
  if (quote) state.quote = quote;
  bar.hidden = !quote && !bar.contains(document.activeElement);
}

/** Select the current sentence, for keyboard users. */
function citeHeard() {
  getSelection().selectAllChildren(state.sentence ?? sentences[0]);
  offerCitation();
  document.querySelector(".cite button").focus();
}

async function onCite(event) {
  const style = event.target.closest("button")?.dataset.style;
  if (!style || !state.quote) return;
  await copy(STYLES[style](state.quote, article.dataset));
  say(`Copied from ${clock(state.quote.from)}`);
}

function say(text) {
  document.querySelector("[role=status]").textContent = text;
}

// ---- find on this page

const found = { at: -1, ranges: [] };
const plain = (text) => text.normalize("NFC").replace(/./gsu, (c) => c.normalize("NFD")[0]).toLowerCase();

function find(text) {
  const wanted = plain(text.trim());
  found.at = -1;
  found.ranges = [];
  for (const sentence of wanted ? sentences : []) {
    const inside = plain(sentence.textContent);
    if (inside.length !== sentence.textContent.length) continue; // folding changed the length, so offsets would be wrong
    for (let i = inside.indexOf(wanted); i >= 0; i = inside.indexOf(wanted, i + wanted.length)) {
      found.ranges.push(rangeOf(sentence, i, i + wanted.length));
    }
  }
  light("found", found.ranges);
  say(wanted ? `${found.ranges.length} found` : "");
}

function nextFound(step) {
  if (!found.ranges.length) return;
  found.at = (found.at + step + found.ranges.length) % found.ranges.length;
  const range = found.ranges[found.at];
  light("found-now", [range]);
  follow(false);
  bring(range.startContainer.parentElement);
  say(`${found.at + 1} of ${found.ranges.length}`);
}

// ---- position and speed in localStorage

const KEY = `position:${location.pathname}`;

function remember() {
  const isHeard = audio.duration && audio.currentTime > audio.duration - NEAR_END_S;
  if (isHeard || audio.currentTime < 1) localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, String(audio.currentTime));
}

function setSpeed(speed) {
  audio.playbackRate = speed;
  audio.defaultPlaybackRate = speed;
  document.querySelector("[data-do=speed]").value = String(speed);
  localStorage.setItem("speed", String(speed));
}

// ---- keyboard shortcuts: only while the player has the focus, so that typing elsewhere is unaffected

const skip = (seconds) => (audio.currentTime = Math.max(0, audio.currentTime + seconds));
const turnSpeed = (step) => setSpeed(SPEEDS[SPEEDS.indexOf(audio.playbackRate) + step] ?? audio.playbackRate);
const KEYS = {
  k: () => (audio.paused ? audio.play() : audio.pause()),
  j: () => skip(-15),
  l: () => skip(30),
  f: () => follow(!state.isFollowing),
  "/": () => document.querySelector("[data-do=find]")?.focus(),
  "<": () => turnSpeed(-1),
  ">": () => turnSpeed(1),
};

function onKey(event) {
  if (event.target.matches("input") || event.ctrlKey || event.metaKey || event.altKey) return;
  const action = KEYS[event.key];
  if (!action) return;
  event.preventDefault();
  action();
}

function onFindKey(event) {
  if (event.key === "Enter") {
    event.preventDefault();
    nextFound(event.shiftKey ? -1 : 1);
  }
}

// ---- initialisation

function begin() {
  const player = document.querySelector("#player");
  const tools = player.querySelector(".tools");
  const at = (name) => tools.querySelector(`[data-do=${name}]`);
  tools.hidden = false;

  audio.addEventListener("play", everyFrame);
  audio.addEventListener("seeked", showHeard);
  audio.addEventListener("pause", remember);
  let saved = 0;
  audio.addEventListener("timeupdate", () => {
    if (Math.abs(audio.currentTime - saved) < SAVE_EVERY_S) return;
    saved = audio.currentTime;
    remember();
  });

  at("back").addEventListener("click", () => skip(-15));
  at("on").addEventListener("click", () => skip(30));
  at("speed").addEventListener("change", (event) => setSpeed(Number(event.target.value)));
  at("follow")?.addEventListener("click", () => follow(!state.isFollowing));
  at("cite")?.addEventListener("click", citeHeard);
  at("find")?.addEventListener("input", (event) => find(event.target.value));
  at("find")?.addEventListener("keydown", onFindKey);
  player.addEventListener("keydown", onKey);
  document.querySelector("#main").addEventListener("click", onClick);
  for (const name of ["wheel", "touchmove"]) {
    addEventListener(name, () => !audio.paused && follow(false), { passive: true });
  }
  document.addEventListener("selectionchange", offerCitation);
  document.querySelector(".cite").addEventListener("click", onCite);
  addEventListener("keydown", (event) => event.key === "Escape" && getSelection().removeAllRanges());
  addEventListener("hashchange", land);

  const speed = Number(localStorage.getItem("speed"));
  if (SPEEDS.includes(speed)) setSpeed(speed);
  if (!land() && localStorage.getItem(KEY)) audio.currentTime = Number(localStorage.getItem(KEY));
}

if (audio && article) begin();

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
