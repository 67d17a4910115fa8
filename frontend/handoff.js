/**
 * Shows an answer's button and form, sends the ticket.
 * On its tag: data-desk; data-base, where src does not tell the mount.
 */
import { doc, readTag, real, scriptGlobal } from "./page.js";

(() => {
  /**
   * @typedef {(...given: any[]) => any} Step
   * @typedef {(...given: any[]) => Promise<any>} Later
   */

  const page = /** @type {any} */ (window);
  // A page may load it more than once, as Turbo and htmx do with a body that has its tag.
  const config = scriptGlobal("KapaHandoff") ? undefined : readTag('[src*="/handoff.js"]');
  if (!config) return;
  const OFFER = "[data-kapa-handoff-offer]";
  const DIALOG = "[data-kapa-handoff-dialog]";
  const SLOT = "[data-kapa-handoff-slot]";

  const threads = new Map(); // the current one last
  const past = new Map(); // for the buttons of a page that comes back
  const drafts = new Map(); // forms that were closed, with what was typed
  const listeners = new Map(); // by handler
  const shown = new WeakMap(); // the newest request of a place
  let requests = 0;
  let opening = false;
  // Safari before 15.4 has none.
  const hasModals = "showModal" in doc.createElement("dialog");
  /** @type {any} the last one that was shown */
  let shownDialog;
  const floating = doc.createElement("div");
  floating.className = "kapa-handoff-floating";

  /** @type {Step} */
  const find = (root, selector) => real(root).querySelector(selector);

  /** @type {Step} */
  const all = (root, selector) => [...real(root).querySelectorAll(selector)];

  /** @type {Step} what a visitor fills in */
  const fields = (root) => all(root, ".kapa-handoff-input:not([readonly])");

  /** @type {Step} */
  const empty = (field) => !field.value;

  /** @type {Step} */
  const lastOf = (map) => [...map.values()].pop();

  /** @type {Step} */
  const say = (root, role, message) => {
    const region = find(root, `[role=${role}]`);
    if (region) region.textContent = real(region).dataset[message] || message;
  };

  /** @type {Later} rejects a proxy's error page */
  const load = async (path, selector, options) => {
    const controller = new AbortController();
    setTimeout(() => controller.abort("timeout"), 30000);
    const response = await fetch(config.base + path, {
      credentials: "same-origin",
      headers: { "X-Kapa-Handoff": "fragment" },
      signal: controller.signal,
      ...options,
    });
    const element = find(new DOMParser().parseFromString(await response.text(), "text/html"), selector);
    if (!element && response.status !== 204) throw response;
    return element;
  };

  /** @type {Step} a listener that throws breaks nothing */
  const listen = (event, handler, action) => {
    if (!listeners.has(handler)) listeners.set(handler, (/** @type {any} */ { detail }) => handler(detail));
    doc[action === "remove" ? "removeEventListener" : "addEventListener"]("kapa-handoff:" + event, listeners.get(handler));
  };

  /** @type {Step} */
  const emit = ({ threadId, desk, pairs, reference }, event) => {
    /** @type {Step} */
    const plain = ({ id: questionAnswerId, question, answer }) => ({ questionAnswerId, question, answer });
    const detail = { threadId, conversation: pairs.map(plain), desk, ...(reference && { reference }) };
    return doc.dispatchEvent(new CustomEvent("kapa-handoff:" + event, { detail, cancelable: true }));
  };

  /** @type {Later} null: not offered; undefined: failed */
  const ask = ({ id: thread_id, pairs }, answer_id, desk = config.desk) => {
    const { uncertain = false, reaction } = pairs.get(answer_id);
    return load("offer?" + new URLSearchParams({
      pairs: pairs.size,
      uncertain,
      downvoted: `${reaction === "downvote"}`,
      thread_id,
      answer_id,
      page: location.href.split("#")[0],
      ...(desk && { desk }),
    }), OFFER).catch(() => {});
  };

  /** @type {Step} */
  const float = () => {
    // A page that came back from a snapshot has a copy.
    for (const other of all(document, ".kapa-handoff-floating")) if (other !== floating) real(other).remove();
    return floating.isConnected ? floating : doc.body.appendChild(floating);
  };

  /** @type {Later} */
  const refresh = async (thread, id) => {
    const number = ++requests;
    const offer = await ask(thread, id);
    const place = find(document, `${SLOT}[data-answer-id="${CSS.escape(id)}"]`)
      || all(document, SLOT + ":not([data-answer-id])").pop()
      || float();
    if (offer === undefined || threads.get(thread.id) !== thread || number < shown.get(place)) return;
    shown.set(place, number);
    const old = find(place, OFFER);
    if (offer) real(place).replaceChildren(offer);
    // In a shared place an older answer leaves a newer one's button.
    else if (old && [real(old).dataset.answerId, lastOf(thread.pairs).id].includes(id)) real(old).remove();
  };

  /** @type {Step} */
  const isShown = (dialog) => dialog?.open && dialog.isConnected;

  /** @type {Step} */
  const show = ({ dialog, pairs }) => {
    // The conversation may have grown since the offer.
    if (pairs[0]) find(dialog, `[data-pairs]:not([data-pairs="${pairs.length}"])`)?.remove();
    if (!isShown(dialog)) {
      dialog.open = false; // taken out of the page while it was open
      doc.body.append(dialog);
      dialog.showModal();
      shownDialog = dialog;
    }
    (find(dialog, "[aria-invalid]") || fields(dialog).find(empty) || find(dialog, "[tabindex]")).focus();
  };

  /** @type {Later} undefined: failed, and the visitor was told beside the button */
  const loadDialog = async (offer, token) => {
    const button = find(offer, "button") || {};
    opening = true;
    button.ariaBusy = "true";
    say(offer, "alert", "");
    const dialog = await load("form?" + new URLSearchParams({ offer: token }), DIALOG).catch(() => {});
    opening = false;
    button.ariaBusy = null;
    if (dialog) return dialog;
    if (!real(offer).isConnected) float().replaceChildren(offer);
    say(offer, "alert", "unreachable");
  };

  /** @type {Step} to the form's page, with a form of our own: the button's can be an answer's, and lead elsewhere */
  const leave = ({ token, pairs }) => {
    const form = Object.assign(doc.createElement("form"), { method: "post", action: config.base + "form", hidden: true });
    const values = { offer: token, ...(pairs[0] && { conversation: JSON.stringify(pairs) }) };
    for (const [name, value] of Object.entries(values)) {
      form.append(Object.assign(doc.createElement("input"), { name, value }));
    }
    doc.body.append(form);
    form.submit();
  };

  /** @type {Later} */
  const open = async (offer) => {
    if (opening || isShown(shownDialog)) return false;
    const { threadId = "", desk = "default" } = real(offer).dataset;
    const token = find(offer, "[name=offer]")?.value;
    const carried = find(offer, "[name=conversation]")?.value;
    const key = threadId || token;
    const kept = drafts.get(key);
    const draft = kept?.desk === desk ? kept : { key, threadId, desk, token };
    draft.offer = offer;
    const thread = threads.get(threadId) || past.get(threadId);
    draft.pairs = carried ? JSON.parse(carried) : [...(thread?.pairs.values() || [])];
    if (!emit(draft, "before-open")) return false;
    if (!hasModals) {
      leave({ ...draft, token });
      return true;
    }
    if (!draft.dialog) {
      const dialog = await loadDialog(offer, token);
      if (!dialog) return false;
      draft.dialog = dialog;
      dialog.onsubmit = send.bind(null, draft);
      dialog.onclose = close.bind(null, draft);
      // One Escape must not close the chat as well.
      dialog.onkeydown = (/** @type {Event} */ event) => event.stopPropagation();
    } else if (draft.token !== token) {
      find(draft.dialog, "[name=offer]").value = draft.token = token;
    }
    show(draft);
    if (find(draft.dialog, "form")) {
      drafts.set(key, draft);
      emit(draft, "open");
    }
    return true;
  };

  /** @type {Step} */
  const close = (draft) => {
    if (draft.dialog.open) return; // opened again before this event came
    draft.dialog.remove();
    if (draft.reference) {
      const note = find(draft.dialog, ".kapa-handoff-reference");
      real(draft.offer).replaceWith(...[note].filter(Boolean));
      note?.focus();
    }
    const offer = find(draft.dialog, "[name=offer]")?.value;
    if (!offer || draft.sending) return;
    emit(draft, "cancel");
    load("events", DIALOG, {
      method: "POST",
      keepalive: true,
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ offer, event: "cancel" }),
    }).catch(() => {});
  };

  /** @type {Later} */
  const send = async (draft, event) => {
    event.preventDefault();
    if (draft.sending) return;
    const { dialog, pairs } = draft;
    const button = find(dialog, "[type=submit]");
    const body = new URLSearchParams(new page.FormData(event.target));
    if (pairs[0]) body.set("conversation", JSON.stringify(pairs));
    draft.sending = true;
    button.ariaDisabled = "true";
    say(dialog, "alert", "");
    say(dialog, "status", "sending");
    let failure;
    try {
      const answer = await load("tickets", DIALOG, { method: "POST", body });
      // Without a form in the answer this one stays.
      failure = find(answer, "[data-kapa-handoff-problem]")?.textContent;
      if (!failure) {
        for (const { name, value } of fields(dialog)) {
          const field = find(answer, `[name=${name}]`);
          if (field) field.value = value;
        }
        dialog.replaceChildren(...answer.childNodes);
      }
    } catch (reason) {
      failure = reason === "timeout" ? reason : "unreachable";
    }
    draft.sending = false;
    if (failure) {
      button.ariaDisabled = null;
      say(dialog, "status", "");
      say(dialog, "alert", failure);
    }
    if (!failure || !isShown(dialog)) show(draft); // closed meanwhile, too
    draft.reference = find(dialog, "[data-kapa-handoff-reference]")?.dataset.kapaHandoffReference;
    if (draft.reference) {
      drafts.delete(draft.key);
      emit(draft, "submit");
    }
  };

  /** @type {Step} */
  const click = (event) => {
    const { target } = event;
    if (!(target instanceof Element)) return;
    /** @type {Step} */
    const around = (selector, node = target) => real(node).closest(selector);
    if (shownDialog && around(DIALOG) === shownDialog) {
      const beside = target === shownDialog && fields(shownDialog).every(empty);
      if (beside || around("[data-kapa-handoff-close]")) shownDialog.close();
    }
    const button = around("[data-kapa-handoff-open]");
    const offer = button && around(OFFER, button);
    if (!offer) return;
    event.preventDefault();
    open(offer);
  };
  // Captured, as a chat may stop clicks.
  addEventListener("click", click, true);

  // Turbo and htmx keep a copy of a page that is left; in a copy a dialog would not work.
  for (const event of ["turbo:before-cache", "htmx:beforeHistorySave"]) addEventListener(event, () => {
    if (isShown(shownDialog)) {
      shownDialog.close();
      shownDialog.remove();
    }
    for (const button of all(document, OFFER + " [aria-busy]")) button.ariaBusy = null;
  });

  page.KapaHandoff = {
    /**
     * An answer is complete or has changed. Its button goes into the slot with its data-answer-id,
     * else the last slot without one, else it floats.
     * @param {{threadId: string, id: string, question: string, answer: string, sources?: object[], uncertain?: boolean}} pair
     */
    answer({ threadId, ...pair }) {
      const thread = threads.get(threadId) || { id: threadId, pairs: new Map() };
      threads.delete(threadId);
      threads.set(threadId, thread);
      thread.pairs.set(pair.id, { ...thread.pairs.get(pair.id), ...pair });
      refresh(thread, pair.id);
    },
    /** @type {(id: string, reaction: "downvote" | "upvote" | null) => void} */
    vote(id, reaction) {
      // Ids may recur in an older thread.
      const thread = [...threads.values()].reverse().find(({ pairs }) => pairs.has(id));
      if (!thread) return;
      const pair = thread.pairs.get(id);
      const asks = [pair.reaction, reaction].includes("downvote");
      pair.reaction = reaction;
      if (asks) refresh(thread, id);
    },
    /** @param {string} threadId */
    reset(threadId) {
      if (threads.has(threadId)) past.set(threadId, threads.get(threadId));
      threads.delete(threadId);
      drafts.delete(threadId);
      for (const offer of all(document, OFFER)) if (real(offer).dataset.threadId === threadId) real(offer).remove();
    },
    /** Resolves to whether the form opened. */
    async open({ desk = config.desk } = {}) {
      const thread = lastOf(threads);
      const offer = thread && await ask(thread, lastOf(thread.pairs).id, desk);
      return !!offer && open(offer);
    },
    /** @type {(event: "open" | "submit" | "cancel", handler: Step) => () => void} */
    on(event, handler) {
      listen(event, handler);
      return () => listen(event, handler, "remove");
    },
  };

  /** @type {Step} */
  const register = ([name, handler, action]) => {
    const event = `${name}`.split("onAskAIHandoff")[1];
    if (event) listen(event.toLowerCase(), handler, action);
  };
  /** @type {any} Kapa's documented queue */
  const stub = function () {
    stub.c(arguments);
  };
  stub.q = [];
  stub.c = stub.q.push.bind(stub.q);
  let kapa = typeof scriptGlobal("Kapa") === "function" ? page.Kapa : stub;
  /** @type {Step} */
  const watch = (value) => {
    value?.q?.forEach?.(register);
    kapa = typeof value !== "function" ? value : new Proxy(value, {
      apply(target, self, call) {
        register(call);
        return target.apply(self, call);
      },
    });
  };
  watch(kapa);
  // An accessor, as Kapa's bundle replaces the stub at any time; a Proxy, as its function has members.
  Object.defineProperty(page, "Kapa", { configurable: true, get: () => kapa, set: watch });
})();
