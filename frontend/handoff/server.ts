/** Asks this package's server: every request of the script is made here. */
import { doc, find } from "../shared/page";
import type { ScriptTag } from "../shared/script_tag";

/**
 * Makes a request of the script. A site may put its own function in its place (`KapaHandoff.request`): one that
 * returns another `Request`, or one that sends it its own way and returns the `Response`.
 */
export type MakeRequest = (url: string, options: RequestInit) => Request | Response | Promise<Request | Response>;

/** The reason with which a request that takes too long is rejected. */
export const TIMEOUT = "timeout";
const LIMIT_MILLISECONDS = 30_000;

/** Where the server is, and how it is asked; `main.ts` fills it in before anything else happens. */
export const server = {
  base: "",
  /** The desk of the page, if its tag names one. */
  desk: undefined as string | undefined,
  request: ((url, options) => new Request(url, options)) as MakeRequest,
};

export function connect(tag: ScriptTag): void {
  server.base = tag.base;
  server.desk = tag.element.dataset.desk;
}

/**
 * Fetches a fragment of the server's and returns its element; null where the server has none to give (204).
 *
 * @param path - below the mount, such as "offer?pairs=1"
 * @param selector - finds the element; a reply without it, such as a proxy's error page, is an error
 * @throws TIMEOUT after 30 seconds; else the error of the network or of the site's own `request`
 */
export async function loadFragment(
  path: string,
  selector: string,
  options: RequestInit = {},
): Promise<HTMLElement | null> {
  const controller = new AbortController();
  setTimeout(() => controller.abort(TIMEOUT), LIMIT_MILLISECONDS);
  const made = await server.request(server.base + path, {
    credentials: "same-origin",
    headers: { "X-Kapa-Handoff": "fragment" },
    signal: controller.signal,
    ...options,
  });
  const response = made instanceof Request ? await fetch(made) : made;
  const element = find(new DOMParser().parseFromString(await response.text(), "text/html"), selector);
  if (!element && response.status !== 204) throw new Error(`status ${response.status} without ${selector}`);
  return element;
}

/** Shows a site's developer why a request failed; the visitor is told elsewhere, where it matters to them. */
export function logFailure(reason: unknown): void {
  console.warn("kapa-handoff: a request failed.", reason);
}

/** Leaves the page for the form's own page, with what its hidden fields say. */
export function goToFormPage(values: Record<string, string>): void {
  // A form of our own, as the button's can be an answer's, and lead elsewhere.
  const form = doc.createElement("form");
  Object.assign(form, { method: "post", action: `${server.base}form`, hidden: true });
  for (const [name, value] of Object.entries(values)) {
    form.append(Object.assign(doc.createElement("input"), { name, value }));
  }
  doc.body.append(form);
  form.submit();
}
