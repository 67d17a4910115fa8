/**
 * Makes Kapa's handoffs tickets.
 * On its tag: data-bridge, data-requested, data-desk; data-base, where src does not tell the mount.
 */
import { doc, readTag, scriptGlobal } from "./page.js";

(() => {
  const page = /** @type {any} */ (window);
  const config = scriptGlobal("KapaHandoffBridge") ? undefined : readTag("[data-bridge]");
  if (!config) return;

  const ROUTE = /^(?:[^?#]*\/)?proxy\/query\/v2\/(?:thread\/([^/?#]+)\/)?(chat|feedback|handoff)\/(?:stream\/|upsert\/)?(?:[?#]|$)/;
  let threads = new Map();
  const live = new Set();
  const told = new Map();
  let threadless = /** @type {any[]} */ ([]);
  let warned = false;

  /** @type {Record<string, (...given: any[]) => any>} */
  const bridge = {
    /** Without an id of Kapa's an answer is stopped. */
    begin: (question) => ({ id: URL.createObjectURL(new Blob()).slice(-36), question, answer: "", stopped: true }),

    plain: ({ id: questionAnswerId, question, answer }) => ({ questionAnswerId, question, answer }),

    thread(id, known) {
      if (!threads.has(id)) threads.set(id, { known, pairs: [] });
      return threads.get(id);
    },

    changed(threadId) {
      try {
        delete sessionStorage.KapaHandoff;
        sessionStorage.KapaHandoff = JSON.stringify([...threads]);
      } catch {}
      const thread = threads.get(threadId);
      const own = thread?.known && doc.querySelector("script[data-bridge=button]") && scriptGlobal("KapaHandoff");
      for (const pair of own ? thread.pairs : []) {
        if (live.has(pair)) continue;
        const { reaction, ...facts } = pair;
        const text = JSON.stringify(facts);
        const before = told.get(pair) || {};
        told.set(pair, { text, reaction });
        if (text !== before.text) own.answer({ ...facts, threadId });
        if (reaction !== before.reaction) own.vote(pair.id, reaction);
      }
    },

    vote(id, reaction) {
      for (const [threadId, { pairs }] of threads) {
        for (const pair of pairs) {
          if (pair.id !== id) continue;
          pair.reaction = reaction;
          bridge.changed(threadId);
        }
      }
    },

    /** Stopped answers have no id, votes may be old. */
    hear({ threadId, conversation, questionAnswerId, reaction }) {
      const thread = bridge.thread(threadId);
      const pairs = /** @type {any[]} */ (thread.pairs);
      let at = 0;
      for (const { questionAnswerId: id, question, answer } of conversation) {
        if (!id) continue;
        let pair = pairs.find((pair) => pair.id === id) || pairs.find((pair) => pair.stopped && pair.question === question);
        if (!pair && reaction) continue;
        if (!pair) pairs.splice(at, 0, pair = bridge.begin(question));
        if (pair.stopped) Object.assign(pair, { id, answer, stopped: undefined });
        live.delete(pair);
        at = pairs.indexOf(pair) + 1;
      }
      thread.known ||= !reaction;
      bridge.vote(questionAnswerId, reaction);
    },

    reset({ threadId }) {
      threads.delete(threadId);
      threadless = [];
      bridge.changed(threadId);
      scriptGlobal("KapaHandoff")?.reset(threadId);
    },

    /** Else the page's cancel waits for ours. */
    tie(stream, reader) {
      const { cancel } = stream;
      stream.cancel = function () {
        reader.cancel().catch(() => {});
        return cancel.apply(stream, arguments);
      };
      return stream;
    },

    copy(response) {
      const reader = response.clone().body.getReader();
      const { body } = response;
      const { getReader } = bridge.tie(body, reader);
      body.getReader = function () {
        return bridge.tie(getReader.apply(body, arguments), reader);
      };
      return response.ok && reader;
    },

    async chat(sending, body, threadId) {
      const copied = sending.then(bridge.copy).catch(() => {});
      const earlier = threadless;
      const pair = bridge.begin();
      let thread = threadId && bridge.thread(threadId);
      thread?.pairs.push(pair);
      live.add(pair);
      let ended, strange, text = "";
      /** @type {typeof bridge} */
      const kinds = {
        stream_start({ thread_id }) {
          if (thread) return;
          thread = bridge.thread(threadId = thread_id.trim(), true);
          thread.pairs.push(...earlier.splice(0), pair);
        },
        partial_answer: ({ text }) => pair.answer += text.slice(),
        relevant_sources: ({ relevant_sources }) => pair.sources = relevant_sources,
        metadata: ({ is_uncertain }) => pair.uncertain = !!is_uncertain,
        identifiers(content) {
          kinds.stream_start(content);
          pair.id = content.question_answer_id.trim();
          pair.stopped = undefined;
        },
        error: () => ended = true,
        agent_activity_update() {},
      };
      try {
        pair.question = JSON.parse(await body).query;
        const reader = await copied;
        const decoder = new TextDecoder();
        while (!ended) {
          const { done, value } = await reader.read();
          ended = done;
          const parts = (text + decoder.decode(value, { stream: !done })).split("\u241e");
          text = parts.pop() || "";
          strange ||= done && text;
          for (const part of parts) {
            strange = true;
            const { type, content } = JSON.parse(part).chunk;
            kinds[type](content);
            strange = !pair.stopped && pair.uncertain == null;
          }
        }
      } catch {}
      if (live.delete(pair) && strange) {
        if (!warned) console.warn("kapa-handoff: unknown answer; its ticket goes to Kapa.");
        warned = true;
        if (thread) thread.known = false;
      } else if (!thread) earlier.push(pair);
      if (thread) bridge.changed(threadId);
    },

    async feedback(sending, body) {
      const { question_answer, reaction } = JSON.parse(await body);
      if ((await sending).ok) bridge.vote(question_answer, reaction);
    },

    async handoff(forward, fetch, text, threadId, signal) {
      try {
        const { user_email, note } = JSON.parse(await text);
        const email = user_email.trim();
        const { known, pairs } = bridge.thread(threadId);
        const { id, uncertain = false, reaction } = pairs[known ? pairs.length - 1 : -1];
        const { desk = "default" } = config;
        const options = {
          headers: { "Content-Type": "application/json" },
          // The SDK waits twice as long.
          signal: AbortSignal.any?.([AbortSignal.timeout(15000), signal || AbortSignal.timeout(15000)]) || signal,
        };
        const facts = new URLSearchParams({
          requested: config.requested || "",
          pairs: pairs.length,
          uncertain,
          downvoted: String(reaction === "downvote"),
          thread_id: threadId,
          answer_id: id,
          desk,
          page: location.href.split("#")[0],
        });
        const { offered, offer } = await (await fetch(config.base + "offer?" + facts, options)).json();
        if (offered === false) return new Response(null, { status: 409 });
        const ticket = { email, note, conversation: pairs };
        const content = JSON.stringify(ticket);
        if (!told.has(content)) told.set(content, bridge.begin().id);
        const body = JSON.stringify({ ...ticket, offer, submission_id: told.get(content) });
        const answer = await fetch(config.base + "tickets", { ...options, method: "POST", body });
        const { reference, error } = await answer.clone().json();
        // The widget tells of it itself.
        if (reference && !doc.querySelector("script[data-website-id][src*=kapa]"))
          doc.dispatchEvent(new CustomEvent("kapa-handoff:submit", { detail: { threadId, conversation: pairs.map(bridge.plain), desk, reference } }));
        if (reference || [409, 422, 429].includes(answer.status) && !error.fields?.conversation) return answer;
      } catch {}
      return forward();
    },
  };

  page.fetch = new Proxy(page.fetch, {
    apply(target, self, given) {
      const forward = () => target.apply(self, given);
      const [input, init] = given;
      /** @type {any} */
      let route, body;
      try {
        const url = input.url || input.href || input;
        route = /post/i.test(init?.method || input.method) && ROUTE.exec(url.slice(0, 999));
        if (route) body = init?.body ?? input.clone().text();
      } catch {}
      if (!body) return forward();
      const [, id, kind] = route;
      if (kind === "handoff") return bridge.handoff(forward, target, body, id, init?.signal || input.signal);
      const sending = forward();
      bridge[kind](sending, body, id).catch(() => {});
      return sending;
    },
  });

  page.KapaHandoffBridge = bridge;
  try {
    threads = new Map(JSON.parse(sessionStorage.KapaHandoff));
  } catch {}
  page.addEventListener("pagehide", bridge.changed);
  const kapa = scriptGlobal("Kapa");
  kapa?.("onAskAIAnswerCompleted", bridge.hear, "add");
  kapa?.("onAskAIFeedbackSubmit", bridge.hear, "add");
  kapa?.("onAskAIConversationReset", bridge.reset, "add");
})();
