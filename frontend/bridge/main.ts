/**
 * bridge.js: the script between Kapa's chat and this package. It sends the handoffs of Kapa's own form to this
 * package's server, or tells this package's button of each answer in the chat.
 *
 * Its tag has data-bridge ("takeover" or "button") and data-requested, and may have data-desk, and data-base if the
 * script's address does not show where the package is mounted. docs/kapa-bridge.md says what it reads.
 */
import type { KapaFunction } from "../shared/kapa_queue";
import { scriptGlobal } from "../shared/page";
import { hear, reset } from "./events";
import { wrapFetch } from "./fetch";
import { tag } from "./tag";
import { writeStorage } from "./transcript";

declare global {
  interface Window {
    KapaHandoffBridge?: { hear: typeof hear; reset: typeof reset };
  }
}

function start(): void {
  // A page may have several tags for it, such as those of kapa_widget() and kapa_handoff_script().
  if (!tag || scriptGlobal("KapaHandoffBridge")) return;
  wrapFetch();
  // For pages with only the SDK, which pass its callbacks on.
  window.KapaHandoffBridge = { hear, reset };
  // Save what has come in of an incomplete answer.
  addEventListener("pagehide", writeStorage);
  const kapa = scriptGlobal<KapaFunction>("Kapa");
  if (typeof kapa !== "function") return;
  kapa("onAskAIAnswerCompleted", hear, "add");
  kapa("onAskAIFeedbackSubmit", hear, "add");
  kapa("onAskAIConversationReset", reset, "add");
}

start();
