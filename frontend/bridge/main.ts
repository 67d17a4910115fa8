/**
 * bridge.js: the script between Kapa's chat and this package. It sends the handoffs of Kapa's own form to this
 * package's server, or tells this package's button of each answer in the chat.
 *
 * Its tag says data-bridge ("takeover" or "button") and data-requested, and may say data-desk, and data-base where the
 * script's address does not tell the mount. docs/kapa-bridge.md says what it reads.
 */
import type { KapaFunction } from "../shared/kapa_queue";
import { scriptGlobal } from "../shared/page";
import { readScriptTag } from "../shared/script_tag";
import { hear, reset } from "./events";
import { wrapFetch } from "./fetch";
import { writeStorage } from "./transcript";

declare global {
  interface Window {
    KapaHandoffBridge?: { hear: typeof hear; reset: typeof reset };
  }
}

function start(): void {
  // A page may have several tags of it, such as that of kapa_widget() and that of kapa_handoff_script().
  if (scriptGlobal("KapaHandoffBridge")) return;
  const tag = readScriptTag("bridge.js", "script[data-bridge]");
  if (!tag) return;
  wrapFetch(tag);
  // For pages with the SDK alone, which pass its callbacks on.
  window.KapaHandoffBridge = { hear, reset };
  // An answer that is still coming in is kept as far as it came.
  addEventListener("pagehide", writeStorage);
  const kapa = scriptGlobal<KapaFunction>("Kapa");
  if (typeof kapa !== "function") return;
  kapa("onAskAIAnswerCompleted", hear, "add");
  kapa("onAskAIFeedbackSubmit", hear, "add");
  kapa("onAskAIConversationReset", reset, "add");
}

start();
