import { KapaProvider, useChat } from "@kapaai/react-sdk";
import { createRoot } from "react-dom/client";

function Chat() {
  const { conversation, submitQuery } = useChat();
  const ask = (event) => {
    event.preventDefault();
    submitQuery(event.target.question.value);
  };
  return (
    <>
      {conversation.map(({ id, question, answer }, number) => (
        <article key={number}>
          <h3>{question}</h3>
          <p>{answer}</p>
          <div data-kapa-handoff-slot="" data-answer-id={id} />
        </article>
      ))}
      <form onSubmit={ask}><input name="question" aria-label="Your question" /></form>
    </>
  );
}

export const Help = () => <KapaProvider integrationId="YOUR-INTEGRATION-ID"><Chat /></KapaProvider>;

createRoot(document.getElementById("chat")).render(<Help />);
