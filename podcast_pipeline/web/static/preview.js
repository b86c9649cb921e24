// The captions of a preview: browsers show none over sound without a picture.

const sound = document.querySelector("audio");
const shown = document.querySelector("[data-caption]");
const [track] = sound ? sound.textTracks : [];

function lineOf(cue) {
  const fragment = cue.getCueAsHTML();
  const speaker = /^<v(?:\.[^ >]*)? ([^>]*)>/.exec(cue.text);
  return (speaker ? `${speaker[1]}: ` : "") + fragment.textContent;
}

if (track && shown) {
  track.mode = "hidden"; // loaded, and shown by us
  track.addEventListener("cuechange", () => {
    shown.textContent = Array.from(track.activeCues, lineOf).join("\n");
  });
}
