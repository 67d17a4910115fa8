/** Sends every request of the script to this package's server. */
import { dress } from "../shared/look";
import { doc, find } from "../shared/page";
import type { ScriptTag } from "../shared/script_tag";

/**
 * Sends a request of the script. A site may replace it (`KapaHandoff.request`) with a function that returns another
 * `Request`, or that sends the request itself and returns the `Response`.
 */
export type MakeRequest = (url: string, options: RequestInit) => Request | Response | Promise<Request | Response>;

/** The rejection reason of a request that takes too long. */
export const TIMEOUT = "timeout";
/** As long as the bar in handoff.css moves. */
const LIMIT_MILLISECONDS = 20_000;

/** Where the server is, and how to send requests; `main.ts` sets it before anything else. */
export const server = {
  base: "",
  /** The address of form.js and the nonce that a strict policy asks for, as of this script. */
  formScript: { src: "", nonce: "" },
  /** The desk of the page, if its tag names one. */
  desk: "",
  /** Whether a desk wants to know if a question asks for a human, as its first response has said. */
  wantsQuestion: false,
  request: ((url, options) => new Request(url, options)) as MakeRequest,
};

export function connect(tag: ScriptTag): void {
  server.base = tag.base;
  const { src, nonce = "" } = tag.element;
  server.formScript = { src: `${tag.base}static/form.js${src.replace(/^[^?]*/, "")}`, nonce };
  server.desk = tag.element.dataset.desk ?? "";
}

/**
 * Fetches a fragment from the server and returns its element; null: the server has none (204).
 *
 * @param path - below the mount, such as "offer?pairs=1"
 * @param selector - finds the element; a response without it, such as a proxy's error page, is an error
 * @param options - of the request; a text as its body is JSON
 * @throws TIMEOUT after 20 seconds; the status of a response without the element; else the error of the network or the
 *   site's own `request`
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
    headers: {
      "X-Kapa-Handoff": "fragment",
      ...(typeof options.body === "string" && { "Content-Type": "application/json" }),
    },
    signal: controller.signal,
    ...options,
  });
  const response = made instanceof Request ? await fetch(made) : made;
  server.wantsQuestion ||= response.headers.has("X-Kapa-Handoff");
  const element = find(new DOMParser().parseFromString(await response.text(), "text/html"), selector);
  if (!element && response.status !== 204) throw response.status;
  if (element) dress(element);
  return element;
}

/** Leaves for the form's own page, with the values of its hidden fields. */
export function goToFormPage(values: Record<string, string>): void {
  // A new form, since the button's may come from an answer, and lead elsewhere.
  const form = doc.createElement("form");
  Object.assign(form, { method: "post", action: `${server.base}form`, hidden: true });
  for (const [name, value] of Object.entries(values)) {
    form.append(Object.assign(doc.createElement("input"), { name, value }));
  }
  doc.body.append(form);
  form.submit();
}
