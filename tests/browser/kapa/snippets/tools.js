// What all snippets have at hand.
const HOST = "https://proxy.kapa.ai/proxy/query/v2/";
const NEW = HOST + "chat/stream/";

const options = (more = {}) => ({
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({ query: "q" }),
  ...more,
});

const ask = (more) => fetch(NEW, options(more));

const failure = (error) => ({ name: error?.name, message: error?.message, text: String(error), kind: typeof error });

const tried = async (action) => {
  try {
    return { value: await action() };
  } catch (error) {
    return failure(error);
  }
};

const thrown = (action) => {
  try {
    return { kind: Object.prototype.toString.call(action()) };
  } catch (error) {
    return failure(error);
  }
};

const facts = (response) => ({
  url: response.url,
  type: response.type,
  status: response.status,
  statusText: response.statusText,
  ok: response.ok,
  redirected: response.redirected,
  used: response.bodyUsed,
  locked: response.body?.locked,
  headers: [...response.headers],
  is: [response instanceof Response, response.body instanceof ReadableStream],
  seen: [Object.keys(response), String(response), String(response.body)],
});

const lengthOf = async (stream) => {
  let length = 0;
  for await (const part of stream) length += part.length;
  return length;
};

const nobodyIn = () => new Promise((resolve) => setTimeout(() => resolve("nothing came"), 15000));
