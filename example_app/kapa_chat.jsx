// The chat at /kapa/: Kapa's React SDK in this site's own look. kapa_chat.py bundles and serves it.
import { DefaultKapaApiService, KapaProvider, processStream, useChat } from "@kapaai/react-sdk";
import Markdown from "markdown-to-jsx/react";
import { useEffect, useRef, useState } from "react";
import { createPortal } from "react-dom";
import { createRoot } from "react-dom/client";

const place = document.getElementById("kapa-chat");
const { backend, way, recipient, buttonText, maxQuestion } = place.dataset;

// The scripted backend of this example. Without `apiService`, the SDK talks to Kapa.
const service = new DefaultKapaApiService(processStream, backend);

// The SDK sends nothing when a visitor leaves a conversation.
const callbacks = {
  askAI: { onConversationReset: (event) => window.KapaHandoffBridge?.reset(event) },
};

const EXAMPLES = {
  button: [
    ["How do I restore a single file?", "a good answer, which you can vote down"],
    ["Will it rain tomorrow?", "the answer is uncertain"],
    ["Can I back up a Synology NAS?", "only a guess"],
  ],
  takeover: [
    ["How do I restore a single file?", "a good answer; vote on it, and the ticket's mail says so"],
    ["Will it rain tomorrow?", "the chat does not know, a person might"],
    ["Can I back up a Synology NAS?", "an answer that is only a guess"],
  ],
};

// Code and tables that are wider than the chat can be scrolled with the keyboard.
const WIDE = { pre: { props: { tabIndex: 0 } }, table: { props: { tabIndex: 0 } } };

const ADDRESS_PROBLEM = "Please check this email address, it should look like name@example.com.";

function Chat() {
  const { conversation, threadId, error, isPreparingAnswer, isGeneratingAnswer } = useChat();
  const busy = isPreparingAnswer || isGeneratingAnswer;
  const newest = useRef(null);
  useEffect(() => {
    newest.current?.scrollIntoView({ block: "nearest" });
  }, [busy, conversation.getLatest()?.answer]);

  return (
    <>
      {conversation.length === 0 && <Examples />}
      <div aria-live="polite" aria-busy={busy}>
        {conversation.map((qa, index) => (
          <article className="pair" key={index} ref={index === conversation.length - 1 ? newest : null}>
            <h2 className="asked">{qa.question}</h2>
            {(qa.answer || qa.isGenerationAborted) && <Answer qa={qa} />}
          </article>
        ))}
        {isPreparingAnswer && <p className="thinking">Looking it up</p>}
      </div>
      {error && <p className="panel problem" role="alert">{error}</p>}
      {way === "takeover" && conversation.getLatestCompleted() && <Handoff key={threadId} />}
      {conversation.length > 0 && <NewConversation />}
      {/* The key focuses the box again when a conversation begins or ends. */}
      <Question key={conversation.length > 0 ? "next" : "first"} busy={busy} />
    </>
  );
}

function Examples() {
  const { submitQuery } = useChat();
  return (
    <section className="panel examples">
      <h2>Try it</h2>
      <ul>
        {EXAMPLES[way].map(([question, outcome]) => (
          <li key={question}>
            <button type="button" onClick={() => submitQuery(question)}>{question}</button> <span>{outcome}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

// Beside the page's heading, which is the server's.
function NewConversation() {
  const { resetConversation } = useChat();
  return createPortal(
    <button type="button" className="button" onClick={resetConversation}>New conversation</button>,
    document.getElementById("kapa-new-conversation"),
  );
}

function Question({ busy }) {
  const { conversation, submitQuery, stopGeneration } = useChat();

  function ask(event) {
    event.preventDefault();
    const question = new FormData(event.target).get("question").trim();
    if (busy || !question) return;
    submitQuery(question);
    event.target.reset();
  }

  return (
    <form className="question sticky" onSubmit={ask}>
      <label htmlFor="kapa-question">{conversation.length > 0 ? "Ask a follow-up question" : "Your question"}</label>
      <div className="question-row">
        <input id="kapa-question" name="question" required maxLength={maxQuestion} autoComplete="off" autoFocus />
        {busy
          ? <button type="button" key="stop" className="primary" onClick={stopGeneration}>Stop</button>
          : <button type="submit" key="ask" className="primary">Ask</button>}
      </div>
    </form>
  );
}

function Answer({ qa }) {
  const done = qa.id || qa.isGenerationAborted;
  return (
    <div className="answer">
      {qa.metadata?.is_uncertain && <p className="badge">Uncertain</p>}
      <div className="prose">
        {/* Raw HTML is shown as text; halves of links and tables are held back until they are whole. */}
        <Markdown options={{ disableParsingRawHTML: true, optimizeForStreaming: !done, overrides: WIDE }}>{qa.answer}</Markdown>
      </div>
      {qa.isGenerationAborted && <p className="lead">Stopped.</p>}
      {qa.sources.length > 0 && (
        <>
          <h3>Sources</h3>
          <ol className="sources">
            {qa.sources.map(({ source_url, title }) => <li key={source_url}><a href={source_url}>{title}</a></li>)}
          </ol>
        </>
      )}
      {done && (
        <footer className="answer-footer">
          {qa.isFeedbackSubmissionEnabled && <Votes qa={qa} />}
          {/* The whole of what this package's button needs from a chat. */}
          {way === "button" && <div data-kapa-handoff-slot data-answer-id={qa.id} />}
        </footer>
      )}
    </div>
  );
}

function Votes({ qa }) {
  const { addFeedback } = useChat();
  const vote = (reaction, name) => (
    <button type="button" className={`vote ${reaction}`} aria-pressed={qa.reaction === reaction}
            onClick={() => addFeedback(qa.id, reaction)}>{name}</button>
  );
  return <div className="votes">{vote("upvote", "Helpful")}{vote("downvote", "Not helpful")}</div>;
}

// Kapa's own way: with `submitHandoff()` Kapa would send the mail. The bridge makes it a ticket of this site.
function Handoff() {
  const { submitHandoff } = useChat();
  const [state, setState] = useState("closed");
  const [failed, setFailed] = useState(false);
  const [reference, setReference] = useState("");
  // The promise of the SDK tells of success alone; the bridge's event names the ticket.
  useEffect(() => window.KapaHandoff?.on("submit", (ticket) => setReference(ticket.reference)), []);
  const opened = useRef(null);
  useEffect(() => {
    opened.current?.scrollIntoView({ block: "nearest" });
  }, [state]);

  async function send(event) {
    event.preventDefault();
    const form = new FormData(event.target);
    setState("sending");
    setFailed(false);
    try {
      await submitHandoff({ recipientEmail: recipient, userEmail: form.get("email"), note: form.get("note") });
      setState("sent");
    } catch {
      // The SDK's error is the same whatever went wrong.
      setFailed(true);
      setState("open");
    }
  }

  // Browsers take name@host for an address; a site that mails it does not.
  function checkAddress({ target }) {
    target.setCustomValidity(target.validity.patternMismatch ? ADDRESS_PROBLEM : "");
  }

  if (state === "closed") {
    return <p><button type="button" className="button" onClick={() => setState("open")}>{buttonText}</button></p>;
  }
  if (state === "sent") {
    return <p className="panel" role="status">Your ticket {reference} is on its way. A person will answer you by email.</p>;
  }
  return (
    <form className="panel ticket" onSubmit={send} ref={opened}>
      <h2>{buttonText}</h2>
      <p className="lead">A person reads this conversation and answers you by email.</p>
      <label htmlFor="kapa-email">Your email</label>
      <input id="kapa-email" name="email" type="email" required pattern="[^@]+@[^@]+\.[^@]+" onInput={checkAddress}
             autoComplete="email" autoFocus />
      <label htmlFor="kapa-note">Your note (optional, up to 5,000 characters)</label>
      <textarea id="kapa-note" name="note" rows="3" maxLength="5000" />
      {failed && (
        <p className="error" role="alert">
          It could not be sent. Please check the address, or try again later; what you typed is still here.
        </p>
      )}
      <button type="submit" className="primary" disabled={state === "sending"}>Send</button>
      <button type="button" className="link-button" onClick={() => setState("closed")}>Cancel</button>
    </form>
  );
}

createRoot(place).render(
  // No cookie and no fingerprint, so that no other server is asked.
  <KapaProvider integrationId="pebblecask" apiService={service} callbacks={callbacks} userTrackingMode="none">
    <Chat />
  </KapaProvider>,
);
