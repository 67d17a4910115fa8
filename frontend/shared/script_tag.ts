/** Finds the tag that loaded the running script; its attributes are the script's configuration. */
import { doc } from "./page";

export interface ScriptTag {
  /** Where this package is mounted, with a slash at the end: `data-base`, else the folder above the script's own. */
  base: string;
  /** The tag; its `data-` attributes are the configuration. */
  element: HTMLScriptElement;
}

/**
 * The running script's tag. Undefined if it has none because it was imported or is part of a bundle: the script then
 * does not know its server, and logs one line that says what to do.
 *
 * @param fileName - the script's own name, such as "handoff.js"; a copy with another name needs data-base
 * @param selector - finds the tag of a module, for which the browser does not provide it
 */
export function readScriptTag(fileName: string, selector: string): ScriptTag | undefined {
  // The tag of a bundle has neither.
  const own = `[src*="/${fileName}"], [data-base]`;
  // Only a real script element: a chat may show other elements from an answer, but never scripts.
  const isOwn = (tag: Element | null): tag is HTMLScriptElement =>
    tag instanceof HTMLScriptElement && tag.matches(own);
  const element = [doc.currentScript, ...doc.querySelectorAll(selector)].find(isOwn);
  if (!element) {
    console.warn(`kapa-handoff: no script tag of its own loads ${fileName}. Add <script defer src="…/${fileName}">.`);
    return undefined;
  }
  // A <base> with another origin may come from an answer, further down the page.
  const page = new URL(element.baseURI).origin === location.origin ? element.baseURI : location.href;
  const { base } = element.dataset;
  const mount = new URL(base || new URL("..", new URL(element.getAttribute("src") ?? "", page)), page);
  return { base: mount.href.replace(/\/*$/, "/"), element };
}

