/**
 * Keeps the events of the dialog and of the floating button to themselves. A modal around the chat would close on a
 * click or on Escape, cancel wheel and touch, forbid clicks, or take the focus back.
 *
 * Modals listen on the document, many in the capture phase, so events stop at the window, before they get there. Clicks,
 * keys, focus and input, which the form's own parts may listen to, reach these parts and stop at the dialog.
 */
import { doc, real } from "../shared/page";

const TYPES = (
  "pointerdown pointerup mousedown mouseup touchstart touchmove touchend wheel " +
  "click keydown keyup focusin focusout input change submit paste drop"
).split(" ");

const isolated = new WeakSet<EventTarget>();

/** Keeps the events of an element from the page. */
export function isolate(element: Element): void {
  isolated.add(element);
  for (const type of TYPES) element.addEventListener(type, keep);
}

function keep(event: Event): void {
  event.stopPropagation();
  // Mantine's modals may have listened on the window before this script did. They ignore keys on elements with this.
  if (event.type === "focusin") (event.target as Element).setAttribute("data-mantine-stop-propagation", "true");
}

/** Starts to isolate; `isModal` tells whether the dialog is open, so that all keys are for it. */
export function watchEvents(isModal: () => boolean): void {
  for (const type of TYPES) {
    addEventListener(type, (event) => handle(event, isModal), { capture: true, passive: true });
  }
}

function handle(event: Event, isModal: () => boolean): void {
  const { type, key, relatedTarget } = event as KeyboardEvent & FocusEvent;
  const path = event.composedPath();
  const ownPath = path.slice(0, path.findIndex((node) => isolated.has(node)) + 1);
  // After a click beside the fields, the body has the focus.
  const isOurs = ownPath.length > 0 || (path[0] === doc.body && isModal());
  // To the chat, the focus does not leave for the dialog.
  const isToDialog = relatedTarget instanceof Element && isolated.has(real(relatedTarget).closest("dialog") ?? doc);
  if (isOurs ? /^(po|m|t|w)/.test(type) || key === "Escape" || key === "Tab" : isToDialog) {
    event.stopImmediatePropagation();
  } else if (isOurs && type === "click") {
    protect(event, ownPath);
  }
}

/** Lets only these elements stop a click or forbid what it does; focus traps do so for all that are not theirs. */
function protect(event: Event, path: EventTarget[]): void {
  for (const name of ["preventDefault", "stopPropagation", "stopImmediatePropagation"] as const) {
    const method = event[name];
    event[name] = () => {
      if (path.includes(event.currentTarget as EventTarget)) method.call(event);
    };
  }
}
