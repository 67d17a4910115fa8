/** Sends the handoff of Kapa's own form to this package's server instead. */
import { type HandoffDetail, asToldPair } from "../shared/conversation";
import { doc } from "../shared/page";
import { fieldsOf, parseFields } from "./json";
import { factsOf, tag } from "./tag";
import { threads } from "./transcript";
import { randomUuid } from "./uuid";

export type Fetch = typeof window.fetch;

/** The page's request. */
export interface Handoff {
  /** From the address; the thread exists. */
  threadId: string | undefined;
  /** The request's body: text, or a promise of it; but a page may pass anything. */
  body: unknown;
  /** The signal with which the page aborts the request. */
  signal: AbortSignal | null | undefined;
}

/** The SDK waits twice as long, which leaves time for Kapa if the site does not respond. */
const LIMIT_MILLISECONDS = 15_000;
/** Statuses that mean something to the visitor: switched off, a wrong field, too many. */
const REFUSALS = [409, 422, 429];

/** Submission ids by what was sent, so that a ticket sent again after an error is not a second one. */
const submissionIds = new Map<string, string>();

/**
 * Sends the ticket to the server; returns the response for Kapa's code, or undefined if the ticket must go on to Kapa:
 * the conversation is not known, or the server fails or cannot take it.
 *
 * @param fetch - the browser's, or that of a script that wrapped it before the bridge
 * @throws if the server does not respond in time or responds with a page instead of JSON, or if the page aborts
 */
export async function takeOver(handoff: Handoff, fetch: Fetch): Promise<Response | undefined> {
  const { threadId = "", signal: own } = handoff;
  const { user_email, note } = parseFields(await handoff.body);
  const thread = threads.get(threadId);
  const pairs = thread?.known ? thread.pairs : [];
  const [last] = pairs.slice(-1);
  if (!last || typeof user_email !== "string") return undefined;
  // It aborts with the page's own request or at the time limit, if the browser can combine the two.
  const signal = AbortSignal.any?.([AbortSignal.timeout(LIMIT_MILLISECONDS), ...(own ? [own] : [])]) ?? own;
  const options = { headers: { "Content-Type": "application/json" }, signal };

  const decision = await fetch(`${tag.base}offer?${factsOf(threadId, last, pairs.length)}`, options);
  const { offered, offer, desk = "default" } = fieldsOf(await decision.json());
  if (offered === false) return new Response(null, { status: 409 });
  if (typeof offer !== "string") return undefined;

  const ticket = { email: user_email.trim(), note, conversation: pairs };
  const content = JSON.stringify(ticket);
  const submission_id = submissionIds.get(content) ?? randomUuid();
  submissionIds.set(content, submission_id);
  const body = JSON.stringify({ ...ticket, offer, submission_id });
  const response = await fetch(`${tag.base}tickets`, { ...options, method: "POST", body });
  const { reference, error } = fieldsOf(await response.clone().json());
  const { code, fields } = fieldsOf(error);
  if (typeof reference === "string") {
    const detail: HandoffDetail = { threadId, conversation: pairs.map(asToldPair), desk: desk as string, reference };
    // Kapa's widget does so itself.
    if (!doc.querySelector("script[data-website-id][src*=kapa]"))
      doc.dispatchEvent(new CustomEvent("kapa-handoff:submit", { detail }));
  }
  // The visitor cannot change a conversation that is refused.
  else if (!code || !REFUSALS.includes(response.status) || fieldsOf(fields).conversation) return undefined;
  return response;
}
