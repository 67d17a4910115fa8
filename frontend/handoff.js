/**
 * Shows an answer's button and form, sends the ticket.
 * On its tag: data-desk; data-base, where src does not tell the mount.
 */
(() => {
  "use strict";

  /**
   * @typedef {(...given: any[]) => any} Step
   * @typedef {(...given: any[]) => Promise<any>} Later
   */

  const page = /** @type {any} */ (window);
  const { dataset: config, src, text } = page.document.currentScript;
  // An element of that name would say where tickets go.
  if (page.KapaHandoff || text == null) return;
  const base = (config.base || new URL("..", src).href).replace(/\/*$/, "/");
  const OFFER = "[data-kapa-handoff-offer]";
  const DIALOG = "[data-kapa-handoff-dialog]";
  const SLOT = "[data-kapa-handoff-slot]";

  const threads = new Map(); // the current one last
  const drafts = new Map(); // forms that were closed, with what was typed
  const listeners = new Map(); // by handler
  const shown = new WeakMap(); // the newest request of a place
  let requests = 0;
  let opening = false;
  const floating = document.createElement("div");
  floating.className = "kapa-handoff-floating";

  /** @type {Step} */
  const find = (root, selector) => root.querySelector(selector);

  /** @type {Step} */
  const all = (root, selector) => [...root.querySelectorAll(selector)];

  /** @type {Step} what a visitor fills in */
  const fields = (root) => all(root, ".kapa-handoff-input:not([readonly])");

  /** @type {Step} */
  const empty = (field) => !field.value;

  /** @type {Step} */
  const lastOf = (map) => [...map.values()].pop();

  /** @type {Step} */
  const say = (root, role, message) => {
    const region = find(root, `[role=${role}]`);
    if (region) region.textContent = region.dataset[message] || message;
  };

  /** @type {Later} rejects a proxy's error page */
  const load = async (path, selector, options) => {
    const controller = new AbortController();
    setTimeout(() => controller.abort("timeout"), 30000);
    const response = await fetch(base + path, {
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
    page.document[`${action === "remove" ? action : "add"}EventListener`]("kapa-handoff:" + event, listeners.get(handler));
  };

  /** @type {Step} */
  const emit = ({ threadId, desk, pairs, reference }, event) => {
    /** @type {Step} */
    const plain = ({ id: questionAnswerId, question, answer }) => ({ questionAnswerId, question, answer });
    const detail = { threadId, conversation: pairs.map(plain), desk, ...(reference && { reference }) };
    return document.dispatchEvent(new CustomEvent("kapa-handoff:" + event, { detail, cancelable: true }));
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

  /** @type {Later} */
  const refresh = async (thread, id) => {
    const number = ++requests;
    const offer = await ask(thread, id);
    const place = find(document, `${SLOT}[data-answer-id="${CSS.escape(id)}"]`)
      || all(document, SLOT + ":not([data-answer-id])").pop()
      || document.body.appendChild(floating);
    if (offer === undefined || threads.get(thread.id) !== thread || number < shown.get(place)) return;
    shown.set(place, number);
    const old = find(place, OFFER);
    if (offer) place.replaceChildren(offer);
    // In a shared place an older answer leaves a newer one's button.
    else if ([old?.dataset.answerId, lastOf(thread.pairs).id].includes(id)) old?.remove();
  };

  /** @type {Step} */
  const show = ({ dialog, pairs }) => {
    // The conversation may have grown since the offer.
    if (pairs[0]) find(dialog, `[data-pairs]:not([data-pairs="${pairs.length}"])`)?.remove();
    if (!dialog.open) {
      document.body.append(dialog);
      dialog.showModal();
    }
    (find(dialog, "[aria-invalid]") || fields(dialog).find(empty) || find(dialog, "[tabindex]")).focus();
  };

  /** @type {Later} */
  const open = async (offer) => {
    if (opening || find(document, DIALOG + "[open]")) return false;
    const { threadId = "", desk = "default" } = offer.dataset;
    const token = find(offer, "[name=offer]").value;
    const carried = find(offer, "[name=conversation]")?.value;
    const key = threadId || token;
    const kept = drafts.get(key);
    const draft = kept?.desk === desk ? kept : { key, threadId, desk, token };
    draft.offer = offer;
    draft.pairs = carried ? JSON.parse(carried) : [...(threads.get(threadId)?.pairs.values() || [])];
    if (!emit(draft, "before-open")) return false;
    if (!draft.dialog) {
      const button = find(offer, "button");
      opening = true;
      button.ariaBusy = "true";
      say(offer, "alert", "");
      const dialog = await load("form?" + new URLSearchParams({ offer: token }), DIALOG).catch(() => {});
      opening = false;
      button.ariaBusy = null;
      if (!dialog) {
        if (!document.contains(offer)) document.body.appendChild(floating).replaceChildren(offer);
        say(offer, "alert", "unreachable");
        return false;
      }
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
      draft.offer.replaceWith(...[note].filter(Boolean));
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
    if (!failure || !dialog.open) show(draft); // closed meanwhile, too
    draft.reference = find(dialog, "[data-kapa-handoff-reference]")?.dataset.kapaHandoffReference;
    if (draft.reference) {
      drafts.delete(draft.key);
      emit(draft, "submit");
    }
  };

  /** @type {Step} */
  const click = (event) => {
    const { target } = event;
    if (!target.closest) return;
    const dialog = target.closest(DIALOG);
    const offer = target.closest("[data-kapa-handoff-open]")?.closest(OFFER);
    const beside = dialog === target && fields(dialog).every(empty);
    if (dialog && (beside || target.closest("[data-kapa-handoff-close]"))) dialog.close();
    if (!offer) return;
    event.preventDefault();
    open(offer);
  };
  // Captured, as a chat may stop clicks.
  document.addEventListener("click", click, true);

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
      threads.delete(threadId);
      drafts.delete(threadId);
      for (const offer of all(document, OFFER)) if (offer.dataset.threadId === threadId) offer.remove();
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
  let kapa = page.Kapa || stub;
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
