/** Keeps the page where it stands while htmx replaces a part of it, and keeps open what an admin has opened. */
import { doc, find, findAll } from "../shared/page";

const PAGE = ".kapa-handoff-admin";

/** An element by its id, and how far it is from the top of the window, or scrolled itself. */
type Mark = [id: string, top: number];

interface Place {
  /** What is looked at. */
  marks: Mark[];
  /** The ids of what is unfolded. */
  opened: string[];
  /** What scrolls within the page. */
  scrolled: Mark[];
}

let place: Place | undefined;

/** Remember the place; call it right before a swap. */
export function rememberPlace(): void {
  const shown = findAll(document, `${PAGE} .handoff-main [id]`).filter(
    (element) => element.getClientRects().length && !element.closest("[data-kapa-handoff-floats]"),
  );
  place = {
    // At its very top, the page shows what is new above the rest. Several marks, since a swap may remove some.
    marks: scrollY > 0 ? shown.map(markOf).filter(([, top]) => top >= 0 && top < innerHeight) : [],
    opened: findAll(document, `${PAGE} details[id][open]`).map(({ id }) => id),
    scrolled: findAll(document, `${PAGE} [data-kapa-handoff-floats]`).map(({ id, scrollTop }) => [id, scrollTop]),
  };
}

/** Go back to the remembered place; call it right after the swap. */
export function returnToPlace(): void {
  if (!place) return;
  const { marks, opened, scrolled } = place;
  place = undefined;
  for (const id of opened) find(document, `${PAGE} details[id="${CSS.escape(id)}"]`)?.setAttribute("open", "");
  for (const [id, top] of marks) {
    const element = doc.getElementById(id);
    // What is hidden has no place.
    if (!element?.getClientRects().length) continue;
    scrollBy(0, element.getBoundingClientRect().top - top);
    break;
  }
  for (const [id, top] of scrolled) doc.getElementById(id)?.scrollTo(0, top);
}

function markOf(element: Element): Mark {
  return [element.id, element.getBoundingClientRect().top];
}
