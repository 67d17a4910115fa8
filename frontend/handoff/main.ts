/**
 * handoff.js: shows the button of an answer, opens its form, sends the ticket.
 *
 * Its tag may say data-desk, and data-base where the script's address does not tell the mount. The page speaks with it
 * through `window.KapaHandoff`, see `api.ts`.
 */
import { findAll, real, scriptGlobal } from "../shared/page";
import { readScriptTag } from "../shared/script_tag";
import { api } from "./api";
import { OFFER } from "./buttons";
import { closeOnClick } from "./dialog";
import { cleanBeforeCopy, openForm } from "./form";
import { watchKapa } from "./kapa_events";
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
    // Turbo and htmx run a tag in the page's body at each visit: then it is on the page once, and all is well.
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
  // Captured, as a chat may stop clicks.
  addEventListener("click", handleClick, true);
  addEventListener("turbo:before-cache", cleanBeforeCopy);
  addEventListener("htmx:beforeHistorySave", cleanBeforeCopy);
  window.KapaHandoff = api;
  watchKapa();
}

function handleClick(event: Event): void {
  const { target } = event;
  if (!(target instanceof Element)) return;
  closeOnClick(target);
  const button = real(target).closest("[data-kapa-handoff-open]");
  const offer = button && real(button).closest<HTMLElement>(OFFER);
  if (!offer) return;
  event.preventDefault();
  void openForm(offer);
}

start();
