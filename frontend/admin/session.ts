/**
 * Lets an admin go on whose session has ended and who has signed in again, in another tab: each reply brings the token
 * of the present session, and what was refused for an old one is sent once more.
 */
import { findAll } from "../shared/page";

const TOKEN = "X-Kapa-Handoff-Token";
const EXPIRED = 400;

/** What was sent once more, and not accepted since. */
let repeated: Element | undefined;

/**
 * Takes the token of a reply.
 *
 * @returns whether the request is sent once more, so that its reply is not to be shown.
 */
export function takeToken(xhr: XMLHttpRequest, sender: Element, submitter?: HTMLElement | null): boolean {
  const token = xhr.getResponseHeader(TOKEN);
  if (!token) return false;
  for (const input of findAll<HTMLInputElement>(document, ".kapa-handoff-admin input[name=csrf_token]")) input.value = token;
  const repeats = xhr.status === EXPIRED && sender instanceof HTMLFormElement && sender !== repeated;
  repeated = repeats ? sender : undefined;
  // Later, since htmx drops what a form sends while it handles the reply to it.
  if (repeats) setTimeout(() => sender.requestSubmit(submitter));
  return repeats;
}
