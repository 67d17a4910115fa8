/**
 * Reads the page as its scripts made it, regardless of names in its markup.
 *
 * In browsers, names in markup become members of objects: `<img name=body>` is `document.body`, `<a id=Kapa>` is
 * `window.Kapa`, and `<input name=remove>` is its form's `remove`. An answer in a chat may contain any of these, so
 * the scripts reach `document`, forms and globals through this module only.
 */

/**
 * The same node with the members that its interface defines, never an element that is named like one. Read-only; pass
 * the node itself, not a result of this function.
 */
export function real<T extends Node>(node: T): Readonly<T> {
  const members: object = Object.getPrototypeOf(node);
  return new Proxy(node, {
    get(_, name) {
      const member: unknown = Reflect.get(members, name, node);
      return typeof member === "function" ? member.bind(node) : member;
    },
  });
}

/** The document, safe to read. */
export const doc = /* @__PURE__ */ real(document);

/** The first element inside `root` that matches. */
export function find<T extends HTMLElement = HTMLElement>(root: Document | Element, selector: string): T | null {
  return real(root).querySelector<T>(selector);
}

/** All elements inside `root` that match, in the order of the page. */
export function findAll<T extends HTMLElement = HTMLElement>(
  root: Document | ShadowRoot | Element,
  selector: string,
): T[] {
  return [...real(root).querySelectorAll<T>(selector)];
}

/**
 * A global variable that a script has set; the caller names its type. Globals from markup are only inherited by
 * `window`, so they are not seen here.
 */
export function scriptGlobal<T = unknown>(name: string): T | undefined {
  return Object.prototype.hasOwnProperty.call(window, name) ? Reflect.get(window, name) : undefined;
}
