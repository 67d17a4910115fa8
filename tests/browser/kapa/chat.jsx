// What Kapa's real SDK makes of a conversation, in two roles: Kapa's widget, which is built on the same SDK, where its tag
// is, and else a site's own chat. What tests do to either they do through window.chat and window.widget.
import { KapaProvider, useChat } from "@kapaai/react-sdk";
import { useEffect } from "react";
import { createRoot } from "react-dom/client";

const waiting = new Set();

function check() {
  for (const entry of [...waiting]) {
    if (!window.chat || !entry.condition(window.chat)) continue;
    waiting.delete(entry);
    entry.resolve();
  }
}

/** Resolves after the first render in which the condition holds. */
window.until = (condition) =>
  new Promise((resolve, reject) => {
    waiting.add({ condition, resolve });
    setTimeout(() => reject(new Error(`not within 30 s: ${condition}; ${JSON.stringify(window.chat)}`)), 30000);
    check();
  });

/** Asks, and resolves when the answer is there, or has failed, or was stopped. */
window.ask = async (question, files) => {
  const count = window.chat.conversation.length;
  await window.chat.submitQuery(question, files);
  await window.until(
    (chat) =>
      chat.conversation.length > count &&
      !chat.isPreparingAnswer &&
      !chat.isGeneratingAnswer &&
      (chat.error || chat.conversation.at(-1).isGenerationAborted || chat.conversation.at(-1).status === "completed"),
  );
};

/** Begins a new conversation. */
window.reset = () => {
  window.chat.resetConversation();
  return window.until((chat) => chat.conversation.length === 0);
};

/** What a promise comes to, as JSON. */
window.outcome = (promise) =>
  Promise.resolve(promise).then(
    (value) => ({ resolved: value ?? null }),
    (error) => ({ rejected: error.name, message: error.message }),
  );

window.handoff = (fields) =>
  window.outcome(window.chat.submitHandoff({ recipientEmail: "someone.else@example.net", ...fields }));

function Answers() {
  const chat = useChat();
  useEffect(() => {
    window.chat = chat;
    check();
  });
  return chat.conversation.map((pair, index) => (
    <section key={index}>
      <h2>{pair.question}</h2>
      <pre>{pair.answer}</pre>
      {pair.id && <div data-kapa-handoff-slot data-answer-id={pair.id}></div>}
    </section>
  ));
}

/** Kapa's widget: it takes over window.Kapa as documented, and fires the documented events. */
function widgetCallbacks(tag) {
  const handlers = new Map();
  const fire = (name, payload) => {
    for (const handler of [...(handlers.get(name) || [])]) handler(payload);
  };
  const Kapa = (name, handler, action = "add") => {
    const known = handlers.get(name) || handlers.set(name, []).get(name);
    if (action === "add") known.push(handler);
    else if (known.includes(handler)) known.splice(known.indexOf(handler), 1);
  };
  Kapa.open = () => fire("onModalOpen", { mode: "ai" });
  const queued = window.Kapa?.q || [];
  window.Kapa = Kapa;
  for (const call of queued) Kapa(...call);
  const details = () => ({
    threadId: window.chat.threadId,
    conversation: window.chat.conversation.formatForCallbacks(),
  });
  const send = async (fields) => {
    await window.chat.submitHandoff({ recipientEmail: tag.dataset.handoffEmail, ...fields });
    fire("onAskAIHandoffSubmit", details());
  };
  window.widget = {
    attributes: { ...tag.dataset },
    fire,
    openForm: () => fire("onAskAIHandoffOpen", details()),
    closeForm: () => fire("onAskAIHandoffCancel", details()),
    sendForm: (fields) => window.outcome(send(fields)),
  };
  return {
    askAI: {
      onQuerySubmit: (payload) => fire("onAskAIQuerySubmit", payload),
      onAnswerGenerationCompleted: (payload) => fire("onAskAIAnswerCompleted", payload),
      onAnswerGenerationStop: (payload) => fire("onAskAIGenerationStop", payload),
      onFeedbackSubmit: (payload) => fire("onAskAIFeedbackSubmit", payload),
      onConversationReset: (payload) => fire("onAskAIConversationReset", payload),
    },
  };
}

function start() {
  const own = document.querySelector("#chat");
  createRoot(own || document.body.appendChild(document.createElement("div"))).render(
    <KapaProvider integrationId="a-website-id" userTrackingMode="none" callbacks={callbacks}>
      <Answers />
    </KapaProvider>,
  );
}

const tag = document.querySelector("script[data-website-id]");
const callbacks = tag ? widgetCallbacks(tag) : {};
// The widget's tag is async: it may be here before the page is.
if (document.body) start();
else document.addEventListener("DOMContentLoaded", start);
