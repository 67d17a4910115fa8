/** Wraps `window.fetch`: handles Kapa's own requests, and passes every other one on unchanged. */
import { followChat, followFeedback, followUpload } from "./chat";
import { fieldsOf } from "./json";
import { type Fetch, type Handoff, takeOver } from "./takeover";

/** Kapa's paths, with the thread's id and the kind of request. On any host, since some sites proxy them. */
const ROUTE =
  /^(?:[^?#]*\/)?proxy\/query\/v2\/(?:thread\/([^/?#]+)\/)?(chat|feedback|files|handoff)\/(?:stream\/|upsert\/)?(?:[?#]|$)/;

/** A request of Kapa's code, and what it is about. */
interface KapaRequest extends Handoff {
  /** "chat", "feedback", "files" or "handoff". */
  kind: string;
}

export function wrapFetch(): void {
  // A Proxy, so that the function keeps the browser's name, length and so on.
  window.fetch = new Proxy(window.fetch, {
    apply(target, self, given: Parameters<Fetch>) {
      const forward = (): Promise<Response> => Reflect.apply(target, self, given);
      const request = readKapaRequest(...given);
      if (!request) return forward();
      const { kind, threadId, body } = request;
      if (kind === "handoff") {
        // If anything goes wrong, Kapa gets the page's original request, so that the ticket is not lost.
        return takeOver(request, target).then((response) => response ?? forward(), forward);
      }
      const sending = forward();
      const follow = kind === "chat" ? followChat : kind === "files" ? followUpload : followFeedback;
      follow(sending, body, threadId).catch(() => {
        // The request failed; the page sees that in its own promise.
      });
      return sending;
    },
  });
}

/** What `fetch()` was called with, if it is one of Kapa's requests. */
function readKapaRequest(input?: RequestInfo | URL, init?: RequestInit): KapaRequest | undefined {
  try {
    const given: Partial<Request & URL> = fieldsOf(input); // a text or nothing has none of these members
    if (/^post$/i.test(init?.method ?? given.method ?? "")) {
      const [, threadId, kind] = ROUTE.exec(String(given.url ?? given.href ?? input)) ?? [];
      const body = kind && (init?.body ?? given.clone?.().text());
      if (body) return { kind, threadId, body, signal: init?.signal ?? given.signal };
    }
  } catch {
    // The body is used up, or members of the arguments throw: `fetch()` itself reports that to the page.
  }
  return undefined;
}
