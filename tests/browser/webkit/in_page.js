// Precedes what the tests run in a page: it finds elements, also in open shadow roots, as Playwright's locators do.
const STEPS = {
  css: (root, selector) => all(root, selector),
  label: (root, label) => all(root, "*").filter((element) => labelsOf(element).some(matching(label))),
  role: (root, role, name) =>
    all(root, `${NATIVE[role] ?? ""} [role=${role}]`).filter((element) => isVisible(element) && nameOf(element).some(matching(name))),
};

const NATIVE = {
  button: "button, [type=submit], ",
  checkbox: "[type=checkbox], ",
  heading: "h1, h2, h3, ",
  link: "a[href], ",
  main: "main, ",
  status: "output, ",
};

/** The elements after all steps, each once. */
function find(steps) {
  return steps.reduce(
    (found, [step, ...rest]) => {
      if (step === "nth") return found.slice(...(rest[0] < 0 ? [rest[0]] : [rest[0], rest[0] + 1]));
      if (step === "text") return found.filter((element) => matching(rest[0])(element.textContent));
      return [...new Set(found.flatMap((root) => STEPS[step](root, ...rest)))];
    },
    [document],
  );
}

function all(root, selector) {
  const roots = [root, ...root.querySelectorAll("*")].flatMap(({ shadowRoot }) => shadowRoot ?? []);
  return [...root.querySelectorAll(selector), ...roots.flatMap((inner) => all(inner, selector))];
}

function labelsOf(element) {
  return [element.ariaLabel, ...[...(element.labels ?? [])].map((label) => label.textContent)].filter(Boolean);
}

function nameOf(element) {
  return [...labelsOf(element), element.textContent];
}

/** Whether a text is, or has, the expected one; [text, isExact] or [pattern, flags] with a third item. */
function matching(expected) {
  if (!expected) return () => true;
  const [text, isExact, flags] = expected;
  if (flags !== undefined) return (actual) => new RegExp(text, flags).test(plain(actual));
  if (isExact) return (actual) => plain(actual) === text;
  return (actual) => plain(actual).toLowerCase().includes(text.toLowerCase());
}

function plain(text) {
  return text.replace(/\s+/g, " ").trim();
}

function isVisible(element) {
  const { width, height } = element.getBoundingClientRect();
  return width > 0 && height > 0 && getComputedStyle(element).visibility === "visible";
}

function isFocused(element) {
  return element.getRootNode().activeElement === element;
}

/** The middle of the only element, in the window, if a click there is for it and it is enabled; else null. */
function clickPoint([element, ...others]) {
  if (!element || others.length || element.disabled) return null;
  element.scrollIntoView({ block: "nearest", behavior: "instant" });
  const { x, y, width, height } = element.getBoundingClientRect();
  let hit = document.elementFromPoint(x + width / 2, y + height / 2);
  while (hit?.shadowRoot && hit !== element) hit = hit.shadowRoot.elementFromPoint(x + width / 2, y + height / 2);
  if (!element.contains(hit)) return null;
  const box = boxInWindow(element);
  return { x: box.x + width / 2, y: box.y + height / 2 };
}

function boxInWindow(element) {
  let { x, y, width, height } = element.getBoundingClientRect();
  for (let owner = window.frameElement; owner; owner = owner.ownerDocument.defaultView.frameElement) {
    x += owner.getBoundingClientRect().x + owner.clientLeft;
    y += owner.getBoundingClientRect().y + owner.clientTop;
  }
  return { x, y, width, height };
}

function countResponses(address) {
  return [window, ...Array.from(frames)]
    .flatMap(({ performance }) => performance.getEntriesByType("resource"))
    .filter(({ name }) => new RegExp(`^${address}$`).test(name)).length;
}

/** What went wrong in the page since the last call. */
function takeProblems() {
  if (!window.problemsSeen) {
    window.problemsSeen = [];
    const { error } = console;
    console.error = (...said) => (problemsSeen.push(said.join(" ")), error.apply(console, said));
    addEventListener("error", ({ message }) => problemsSeen.push(String(message)));
    addEventListener("unhandledrejection", ({ reason }) => problemsSeen.push(String(reason)));
    document.addEventListener("securitypolicyviolation", ({ violatedDirective }) => problemsSeen.push(violatedDirective));
  }
  return problemsSeen.splice(0);
}
