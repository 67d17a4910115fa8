/** Finds the tag that loaded the running script: its attributes are the script's configuration. */
import { doc } from "./page";

export interface ScriptTag {
  /** Where this package is mounted, with a slash at the end: `data-base`, else the folder above the script's own. */
  base: string;
  /** The tag; its `data-` attributes are the configuration. */
  element: HTMLScriptElement;
}

/**
 * The running script's tag. Undefined if it has none, since it was imported or is part of a bundle: then it does not
 * know its server, and one line of the console says what to do.
 *
 * @param fileName - the script's own name, such as "handoff.js"; a copy with another name says data-base
 * @param selector - finds the tag of a module, whose own tag the browser does not tell
 */
export function readScriptTag(fileName: string, selector: string): ScriptTag | undefined {
  // The tag of a bundle has neither of the two.
  const own = `[src*="/${fileName}"], [data-base]`;
  // A real script element only: a chat shows an answer's other elements, but lets no script through.
  const isOwn = (tag: Element | null): tag is HTMLScriptElement =>
    tag instanceof HTMLScriptElement && tag.matches(own);
  const element = [doc.currentScript, ...doc.querySelectorAll(selector)].find(isOwn);
  if (!element) {
    console.warn(`kapa-handoff: no script tag of its own loads ${fileName}. Add <script defer src="…/${fileName}">.`);
    return undefined;
  }
  // A <base> that leads to another origin can be an answer's, further down in the page.
  const page = new URL(element.baseURI).origin === location.origin ? element.baseURI : location.href;
  const { base } = element.dataset;
  const mount = base ? new URL(base, page) : new URL("..", new URL(element.getAttribute("src") ?? "", page));
  return { base: mount.href.replace(/\/*$/, "/"), element };
}

