// For who follows a link to quoted words and may not read them: the time of the words, and a link that plays from there.

import { clock, placeInAddress } from "./transcript.js";

const line = document.querySelector("#cited");

/** Tell where the quoted words are, or go to the turn of the teaser that has them; not of a place that one has gone to on this page. */
function tell() {
  const place = placeInAddress();
  if (!place || history.state?.at !== undefined) return;
  const at = line.querySelector("[data-at]");
  at.hidden = false;
  at.querySelector(".when").textContent = clock(place.from);
  const listen = line.querySelector("[data-listen]");
  if (listen) {
    listen.href = location.hash;
    listen.dataset.t = place.from; // transcript.js plays a link with a time
    listen.textContent = "listen from here";
  }
  line.hidden = (place.until ?? place.from) < Number(line.dataset.until);
  const turns = [...document.querySelectorAll(".teaser .turn")];
  const words = turns.findLast((turn) => Number(turn.dataset.t) <= place.from);
  (line.hidden ? words : line)?.scrollIntoView({ block: "center", behavior: "instant" });
}

addEventListener("hashchange", tell);
tell();
