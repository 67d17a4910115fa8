/**
 * Keeps the events of the dialog and of the floating button to themselves. A modal around the chat would close on a
 * click or on Escape, cancel wheel and touch, forbid clicks, or take the focus back.
 *
 * Modals listen on the document, many in the capture phase, so events stop at the window, before they get there.
 * Clicks, keys, focus and input, to which the form's own parts may listen, reach these parts and stop at the dialog.
 */
import { doc } from "../shared/page";

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

/** Starts to isolate; `isModal` tells whether the dialog is open, so that all keys are for it, `escape` gets that key. */
export function watchEvents(isModal: () => boolean, escape: (event: Event) => void): void {
  const stop = (event: Event) => {
    const { type, key, relatedTarget } = event as KeyboardEvent & FocusEvent;
    const path = event.composedPath();
    const depth = path.findIndex((node) => isolated.has(node));
    // After a click beside the fields, the body has the focus.
    if (depth < 0 && !(path[0] === doc.body && isModal())) {
      // The chat does not lose the focus when the dialog gets it.
      const next = relatedTarget instanceof Element && relatedTarget.closest("dialog");
      if (next && isolated.has(next)) event.stopPropagation();
    } else if (key === "Escape" || key === "Tab") {
      event.stopImmediatePropagation();
      if (key === "Escape") escape(event);
    } else if (/^(po|m|t|w)/.test(type)) event.stopPropagation();
    else if (type === "click") protect(event, path.slice(0, depth + 1));
  };
  for (const type of TYPES) addEventListener(type, stop, { capture: true, passive: type !== "keydown" });
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
