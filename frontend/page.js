/**
 * The page as its scripts made it, whatever its markup says. In browsers names in markup become members:
 * `<img name=body>` is `document.body`, `<a id=Kapa>` is `window.Kapa`, and `<input name=remove>` is its form's `remove`.
 * An answer in a chat may contain any of these.
 */

/**
 * Reads and sets a node's members as its interface defines them, methods bound to it.
 * @template {Node} T
 * @param {T} node
 * @returns {T}
 */
export const real = (node) => {
  const members = Object.getPrototypeOf(node);
  return new Proxy(node, {
    get(_, name) {
      const member = Reflect.get(members, name, node);
      return typeof member === "function" ? member.bind(node) : member;
    },
    set: (_, name, value) => Reflect.set(members, name, value, node),
  });
};

export const doc = /* @__PURE__ */ real(document);

/** @type {(name: string) => any} a global that a script has set; one that markup makes is only inherited */
export const scriptGlobal = (name) =>
  Object.prototype.hasOwnProperty.call(window, name) ? /** @type {any} */ (window)[name] : undefined;

/**
 * What the running script's tag says: its data- attributes and its nonce, and as base where this package is mounted, with a slash at
 * the end: the tag's data-base, else the folder above the script's own.
 * @param {string} attribute finds the tag of a module, which is told of none
 * @returns {{[name: string]: string | undefined, base: string} | undefined}
 */
export const readTag = (attribute) => {
  // A real script element only: no chat lets one through.
  const tags = [doc.currentScript, ...doc.querySelectorAll("script" + attribute)];
  const tag = /** @type {HTMLScriptElement | undefined} */ (tags.find((each) => each instanceof HTMLScriptElement));
  const src = tag?.getAttribute("src");
  const told = tag?.dataset.base;
  if (tag && (told || src)) {
    // A <base> that leads to another origin can be an answer's, further down in the page.
    const page = new URL(tag.baseURI).origin === origin ? tag.baseURI : location.href;
    const mount = told ? new URL(told, page) : new URL("..", new URL(src || "", page));
    return { ...tag.dataset, nonce: tag.nonce, base: mount.href.replace(/\/*$/, "/") };
  }
  console.warn(`kapa-handoff: no script${attribute} says where its server is.`);
};
