/**
 * Supports the way to register handlers that Kapa documents, `Kapa("onAskAIHandoffSubmit", handler, "add")`, with or
 * without Kapa's own widget on the page.
 */
import { type KapaCall, type KapaFunction, makeKapaQueue } from "../shared/kapa_queue";
import { scriptGlobal } from "../shared/page";
import { type Handler, addHandler, removeHandler } from "./events";

/** `window.Kapa` as the page sees it. */
let shown: unknown;

/** Handles a call of `Kapa()`, which reaches Kapa as well. */
function notice([name, handler, action]: KapaCall): void {
  const event = /^onAskAIHandoff(Open|Submit|Cancel)$/.exec(String(name))?.[1]?.toLowerCase();
  if (!event || typeof handler !== "function") return;
  if (action === "remove") removeHandler(event, handler as Handler);
  else addHandler(event, handler as Handler);
}

/** Handles the calls in a queue, and each later one. */
function watch(kapa: unknown): void {
  shown = kapa;
  if (typeof kapa !== "function") return;
  const queued: unknown = Reflect.get(kapa, "q");
  if (Array.isArray(queued)) queued.forEach(notice);
  // A Proxy, since Kapa's function has members.
  shown = new Proxy(kapa as KapaFunction, {
    apply(target, self, call) {
      notice(call);
      return Reflect.apply(target, self, call);
    },
  });
}

/** Watches each new value of `window.Kapa`, since Kapa's bundle replaces the queue when it has loaded. */
export function watchKapa(): void {
  const present = scriptGlobal("Kapa");
  watch(typeof present === "function" ? present : makeKapaQueue());
  Object.defineProperty(window, "Kapa", { configurable: true, get: () => shown, set: watch });
}
