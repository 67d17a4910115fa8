/**
 * form.js: the parts of the form that it can do without. handoff.js loads it when the first form is opened, so that a
 * page without an answer does not need it.
 */
import { showFiles } from "./attachments";
import { showLocalTimes } from "./clock";
import { offerCopy } from "./copy";
import { countCharacters } from "./counter";
import { offerOwnCopy } from "./own_copy";
import { setUpReview } from "./review";
import { suggestDomain } from "./suggestion";
import { keepFields } from "./typed";

// What is kept is filled in before it is counted and checked.
window.KapaHandoff?.parts.push(
  keepFields,
  countCharacters,
  showLocalTimes,
  offerCopy,
  showFiles,
  setUpReview,
  suggestDomain,
  offerOwnCopy,
);
