// A chat on a static page. Your AI's API answers in place of the one sentence below.
const threadId = Array.from(crypto.getRandomValues(new Uint32Array(4))).join("-");
let count = 0;

document.querySelector("#ask").addEventListener("submit", (event) => {
  event.preventDefault();
  const question = event.target.question.value;
  const answer = "I could not find this in the docs.";
  const id = `${threadId}-${++count}`;

  const text = document.createElement("p");
  text.textContent = answer;
  const slot = document.createElement("div");
  slot.dataset.kapaHandoffSlot = "";
  slot.dataset.answerId = id;
  document.querySelector("#answers").append(text, slot);

  KapaHandoff.answer({ threadId, id, question, answer, uncertain: true });
});
