// A menu at the selected words: quote them in five styles, share them, hear them.

import {
  article, clock, end, heard, lastUpTo, playFrom, rangeOf, rounded, say, sentences, start, words, wordsOf,
} from "./transcript.js";

const SETTLED_MS = 200; // a selection that is still being drawn has no menu
const GAP_PX = 8;

const menu = document.querySelector(".quote");
const styles = menu?.querySelector(".styles");
const opener = menu?.querySelector("[data-do=quote]");
const state = { quote: null, from: null, due: 0 };

// ---- styles: a quote is {parts: [{speaker, text}], from, until, href}, `d` the data of the article element

// BibTeX counts even escaped braces, and \~ and \^ are accents
const TEX = { "\\": "backslash", "{": "braceleft", "}": "braceright", "~": "asciitilde", "^": "asciicircum" };
const bibtex = (text) => text.replace(/[\\{}~^&%$#_]/g, (c) => (TEX[c] ? `\\text${TEX[c]}{}` : `\\${c}`));

/** Escape text for Markdown, also at the start of a line. */
const markdown = (text) =>
  text.replace(/[\\`*_[\]<>#&~|!]/g, "\\$&").replace(/^[-+=]/, "\\$&").replace(/^(\d+)([.)])/, "$1\\$2");

const stopped = (text) => (/[.?!…。？！]["”’»]?$/.test(text) ? text : `${text}.`);

// the marks of a quote inside a quote; in „text“ the second one closes
const INNER = { "„": "‚", "“": "‘", "”": "’" };

/** Return words with a quotation mark for each that stands alone, as the other one is outside the selection. */
function balanced(text) {
  const [opening, closing] = text.includes("„") ? ["„", "“"] : ["“", "”"];
  const count = (mark) => text.split(mark).length - 1;
  const missing = count(opening) - count(closing);
  return opening.repeat(Math.max(0, -missing)) + text + closing.repeat(Math.max(0, missing));
}

const quoted = (text) => `“${balanced(text).replace(/[„“”]/g, (mark) => INNER[mark])}”`;
const versionAndTime = (quote, d) => `version ${d.version}, ${clock(quote.from)}`;

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
    const said = quote.parts.map((p) => `${quoted(p.text)}${p.speaker ? ` (${p.speaker})` : ""}`).join("\n");
    return `${said}\n${stopped(d.title)} ${d.show}, ${d.date}, ${versionAndTime(quote, d)}. ${quote.href}`;
  },
  markdown(quote, d) {
    const said = quote.parts.map((p) => `> ${p.speaker ? `**${markdown(p.speaker)}:** ` : ""}${markdown(balanced(p.text))}`);
    const source = `> — [${markdown(d.title)}](${quote.href}), *${markdown(d.show)}*, ${d.date}, ${versionAndTime(quote, d)}`;
    return `${said.join("\n>\n")}\n>\n${source}`;
  },
  bibtex(quote, d) {
    const authors = [...new Set(quote.parts.map((p) => p.speaker).filter(Boolean))];
    const said = quote.parts.map((p) => `\`\`${bibtex(balanced(p.text))}''`).join(" ");
    const fields = {
      author: (authors.length ? authors : [d.author]).map((a) => `{${bibtex(a)}}`).join(" and "),
      title: `{${bibtex(d.title)}}`,
      howpublished: `Podcast episode, ${bibtex(d.show)}, ${bibtex(d.author)}`,
      year: d.iso.slice(0, 4),
      month: String(Number(d.iso.slice(5, 7))),
      version: d.version,
      url: quote.href,
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
    const said = quote.parts.map((p) => quoted(p.text)).join(" ");
    return (
      `${said} (${clock(quote.from)})\n${who} (${year}, ${monthName} ${day}). ${d.title}${number} ` +
      `[Audio podcast episode; transcript version ${d.version}]. ` +
      `In ${stopped(d.show)} ${stopped(d.author)} ${quote.href}`
    );
  },
  link: (quote) => quote.href,
};

// ---- the menu

/** Return the selection, extended to whole words, as a quote, or null. */
function selected() {
  const selection = getSelection();
  if (selection.isCollapsed || !selection.rangeCount) return null;
  const range = selection.getRangeAt(0);
  const parts = [];
  let from = null;
  let until = null;
  for (const sentence of sentences) {
    if (!range.intersectsNode(sentence)) continue;
    const text = sentence.firstChild;
    const a = range.startContainer === text ? range.startOffset : 0;
    const b = range.endContainer === text ? range.endOffset : text.length;
    const chosen = wordsOf(sentence).filter((w) => w.to > a && w.from < b);
    if (!chosen.length) continue;
    from ??= chosen[0].at;
    until = chosen.at(-1).until;
    const speaker = sentence.closest(".turn").querySelector("cite")?.textContent ?? "";
    const said = text.data.slice(chosen[0].from, chosen.at(-1).to).trim();
    if (parts.at(-1)?.speaker === speaker) parts.at(-1).text += ` ${said}`;
    else parts.push({ speaker, text: said });
  }
  return parts.length ? { parts, from, until, href: address(from, until) } : null;
}

/** Return the address of a passage in the version that is shown: its first sentence, and its words if these are others. */
function address(from, until) {
  const sentence = lastUpTo(sentences, rounded(from), start);
  const isWhole = start(sentence) === from && Math.abs(end(sentence) - until) < 0.005;
  return `${article.dataset.versionUrl}${isWhole ? "" : `&t=${rounded(from)},${rounded(until)}`}#${sentence.id}`;
}

/** Put the menu above the selection or, under a finger and at the top of the window, below it. */
function place() {
  menu.style.left = "0"; // so that it is measured as wide as it may be
  const box = getSelection().getRangeAt(0).getBoundingClientRect();
  const above = box.top - menu.offsetHeight - GAP_PX;
  const isBelow = above < 0 || matchMedia("(pointer: coarse)").matches;
  const deck = parseFloat(document.documentElement.style.getPropertyValue("--deck")) || 0;
  const lowest = innerHeight - deck - menu.offsetHeight - GAP_PX;
  const top = Math.max(GAP_PX, Math.min(isBelow ? box.bottom + GAP_PX : above, lowest));
  const widest = document.documentElement.clientWidth - menu.offsetWidth - GAP_PX;
  menu.style.top = `${scrollY + top}px`;
  menu.style.left = `${Math.max(GAP_PX, Math.min(box.left + box.width / 2 - menu.offsetWidth / 2, widest))}px`;
}

function showStyles(isOpen) {
  styles.hidden = !isOpen;
  opener.setAttribute("aria-expanded", String(isOpen));
}

function offer() {
  if (menu.contains(document.activeElement)) return;
  const quote = selected();
  if (!quote) {
    menu.hidden = true;
    return;
  }
  state.quote = quote;
  state.from = document.activeElement;
  showStyles(false);
  menu.hidden = false;
  place();
}

/** Close the menu, let go of the words, and give the focus back to where it was. */
function close() {
  const hadFocus = menu.contains(document.activeElement);
  menu.hidden = true;
  getSelection().removeAllRanges();
  if (hadFocus && state.from !== document.body) state.from?.focus({ preventScroll: true });
}

/** Select a sentence and open the menu, for who has no mouse: of the time that has the focus, or what is heard. */
export function quoteByKey() {
  const turn = document.activeElement.closest(".turn");
  const sentence = turn?.querySelector(".s") ?? heard();
  if (!sentence) return false;
  getSelection().removeAllRanges();
  getSelection().addRange(rangeOf(sentence, 0, sentence.textContent.length));
  sentence.scrollIntoView({ block: "nearest", behavior: "instant" }); // the menu is placed at once
  offer();
  opener.focus({ preventScroll: true });
  return true;
}

/** Quote what is being said, from the sheet of the player: the sheet closes, and has the focus again at the end. */
export function quoteHeard() {
  document.querySelector("#more").hidePopover();
  quoteByKey();
}

async function copyAs(style) {
  await copy(STYLES[style](state.quote, article.dataset));
  say(`Copied from ${clock(state.quote.from)}`);
}

/** Copy text to the clipboard, also without https. */
export async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
  return undefined;
}

function share() {
  const { parts, href } = state.quote;
  const text = parts.map((p) => (p.speaker ? `${p.speaker}: ${quoted(p.text)}` : quoted(p.text))).join("\n");
  navigator.share({ title: article.dataset.title, text, url: href }).catch(() => {}); // the reader may change their mind
}

function onClick(event) {
  const button = event.target.closest("button");
  if (button?.dataset.style) copyAs(button.dataset.style);
  else if (button === opener) {
    showStyles(styles.hidden);
    place();
  } else if (button?.dataset.do === "share") share();
  else if (button?.dataset.do === "hear") {
    const { from } = state.quote;
    close();
    playFrom(from);
  }
}

export function beginQuoting() {
  if (!words) return;
  menu.querySelector("[data-do=share]").hidden = !navigator.share;
  document.addEventListener("selectionchange", () => {
    clearTimeout(state.due);
    state.due = setTimeout(offer, SETTLED_MS);
  });
  menu.addEventListener("pointerdown", (event) => event.preventDefault()); // keeps the selection and the focus
  menu.addEventListener("click", onClick);
  menu.addEventListener("focusout", (event) => {
    if (!menu.contains(event.relatedTarget) && getSelection().isCollapsed) menu.hidden = true;
  });
  addEventListener("keydown", (event) => event.key === "Escape" && !menu.hidden && close());
}
