/** Finds where the dialog and the floating button go: a modal around the chat disables everything outside of it. */
import { doc, find, findAll, real } from "../shared/page";

const MODAL = "dialog, [role$=dialog], [aria-modal], [popover]";
const STYLE = 'link[href*="/handoff.css"]';

/** The container that the page has named, else the nearest modal around an element, else the body. */
export function containerOf(element: Element | null): Element {
  const named = window.KapaHandoff?.container;
  if (named?.isConnected) return named;
  for (let inner = element; inner; inner = (inner.getRootNode() as ShadowRoot).host) {
    const modal = real(inner).closest(MODAL);
    // The visitor may have closed the chat while a request was under way.
    if (modal?.isConnected && modal.getClientRects().length) return modal;
  }
  return doc.body;
}

/** Copies the page's link to the style sheet into an element's shadow root, since style sheets do not reach in. */
export function styleShadowRoot(element: Element): void {
  const root = element.getRootNode();
  const link = find(document, STYLE);
  if (link && root instanceof ShadowRoot && !root.querySelector(STYLE)) root.append(link.cloneNode());
}

/** All elements of the page that match, the document's before those in its open shadow roots. */
export function findDeep(selector: string, root: Document | ShadowRoot = document): HTMLElement[] {
  const inner = findAll(root, "*").map(({ shadowRoot }) => (shadowRoot ? findDeep(selector, shadowRoot) : []));
  return findAll(root, selector).concat(...inner);
}
