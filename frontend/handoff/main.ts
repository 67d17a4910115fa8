/**
 * handoff.js: shows an answer's button, opens its form, sends the ticket.
 *
 * Its tag may have data-desk, and data-base if the script's address does not show where the package is mounted. The
 * page calls it through `window.KapaHandoff`, see `api.ts`.
 */
import { findAll, real, scriptGlobal } from "../shared/page";
import { readScriptTag } from "../shared/script_tag";
import { api } from "./api";
import { closeOnEscape, isShown } from "./dialog";
import { OFFER } from "./draft";
import { cleanBeforeCopy, openForm } from "./form";
import { watchEvents } from "./isolation";
import { watchKapa } from "./kapa_events";
import { watchOffers } from "./sent";
import { connect } from "./server";

const FILE = "handoff.js";
const TAG = `script[src*="/${FILE}"]`;

declare global {
  interface Window {
    KapaHandoff?: typeof api;
  }
}

function start(): void {
  if (scriptGlobal("KapaHandoff")) {
    // Turbo and htmx run a tag in the page's body at each visit: if the page has only one such tag, all is well.
    if (findAll(document, TAG).length > 1) {
      console.warn(
        `kapa-handoff: ${FILE} is on this page more than once. The first one is used; remove the other tags.`,
      );
    }
    return;
  }
  const tag = readScriptTag(FILE, TAG);
  if (!tag) return;
  connect(tag);
  // In the capture phase, since a chat may stop clicks.
  addEventListener("click", handleClick, true);
  watchEvents(isShown, closeOnEscape);
  addEventListener("turbo:before-cache", cleanBeforeCopy);
  addEventListener("htmx:beforeHistorySave", cleanBeforeCopy);
  window.KapaHandoff = api;
  watchKapa();
  watchOffers();
}

function handleClick(event: Event): void {
  // Outside of a shadow root, the event's own target is the root's host.
  const [target] = event.composedPath();
  if (!(target instanceof Element)) return;
  const button = real(target).closest("[data-kapa-handoff-open]");
  const offer = button && real(button).closest<HTMLElement>(OFFER);
  if (!offer) return;
  event.preventDefault();
  void openForm(offer);
}

start();
