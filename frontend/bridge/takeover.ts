/** Sends the handoff of Kapa's own form to this package's server instead. */
import { type HandoffDetail, asToldPair } from "../shared/conversation";
import { doc } from "../shared/page";
import type { ScriptTag } from "../shared/script_tag";
import { type Fields, fieldsOf, parseFields } from "./json";
import { threads } from "./transcript";
import { randomUuid } from "./uuid";

export type Fetch = typeof window.fetch;

/** What the page asked for. */
export interface Handoff {
  /** That of the address, which is of a thread that exists. */
  threadId: string | undefined;
  /** The request's body: text, or a promise of it; but a page may pass anything. */
  body: unknown;
  /** With which the page aborts the request. */
  signal: AbortSignal | null | undefined;
}

/** The SDK waits twice as long, so that Kapa has its time where the site does not answer. */
const LIMIT_MILLISECONDS = 15_000;
const JSON_HEADERS = { "Content-Type": "application/json" };
/** Switched off, a wrong field, too many. */
const REFUSALS = [409, 422, 429];

/** By what was sent: the same ticket, sent again after an error, is no second one. */
const submissionIds = new Map<string, string>();

/**
 * Sends the ticket to the server; returns the response for Kapa's code, or undefined if the ticket must go on to Kapa:
 * the conversation is not known, or the server fails or cannot take it.
 *
 * @param fetch - that of the browser, or of a script that had wrapped it before the bridge came
 * @throws if the server is not reached in time or replies with a page instead of JSON, or if the page aborts
 */
export async function takeOver(handoff: Handoff, tag: ScriptTag, fetch: Fetch): Promise<Response | undefined> {
  const { threadId = "" } = handoff;
  const { desk = "default", requested = "" } = tag.element.dataset;
  const { user_email, note } = parseFields(await handoff.body);
  const thread = threads.get(threadId);
  const pairs = thread?.known ? thread.pairs : [];
  const last = pairs[pairs.length - 1];
  if (typeof user_email !== "string" || !last) return undefined;
  const options = { headers: JSON_HEADERS, signal: limited(handoff.signal) };

  const facts = new URLSearchParams({
    requested,
    pairs: `${pairs.length}`,
    uncertain: `${last.uncertain ?? false}`,
    downvoted: `${last.reaction === "downvote"}`,
    thread_id: threadId,
    answer_id: last.id,
    desk,
    page: location.href.replace(/#.*/, ""),
  });
  const decision = await fetch(`${tag.base}offer?${facts}`, options);
  const { offered, offer } = fieldsOf(await decision.json());
  if (offered === false) return new Response(null, { status: 409 });
  if (typeof offer !== "string") return undefined;

  const ticket = { email: user_email.trim(), note, conversation: pairs };
  const body = JSON.stringify({ ...ticket, offer, submission_id: submissionIdOf(JSON.stringify(ticket)) });
  const response = await fetch(`${tag.base}tickets`, { ...options, method: "POST", body });
  const { reference, error } = fieldsOf(await response.clone().json());
  if (typeof reference === "string") tellPage({ threadId, conversation: pairs.map(asToldPair), desk, reference });
  else if (!isForVisitor(response.status, fieldsOf(error))) return undefined;
  return response;
}

/** Whether a refusal means something to the visitor, who can do nothing about a conversation that is refused. */
function isForVisitor(status: number, { code, fields }: Fields): boolean {
  return !!code && REFUSALS.includes(status) && !fieldsOf(fields).conversation;
}

function submissionIdOf(content: string): string {
  const id = submissionIds.get(content) ?? randomUuid();
  submissionIds.set(content, id);
  return id;
}

/** Ends with the page's own request, and at the bridge's limit, where the browser can join the two. */
function limited(signal: AbortSignal | null | undefined): AbortSignal | null | undefined {
  if (!AbortSignal.any) return signal;
  const limit = AbortSignal.timeout(LIMIT_MILLISECONDS);
  return AbortSignal.any(signal ? [limit, signal] : [limit]);
}

/** Dispatches the event of the ticket, unless Kapa's widget is on the page, which tells of it itself. */
function tellPage(detail: HandoffDetail): void {
  if (doc.querySelector("script[data-website-id][src*=kapa]")) return;
  doc.dispatchEvent(new CustomEvent("kapa-handoff:submit", { detail }));
}
