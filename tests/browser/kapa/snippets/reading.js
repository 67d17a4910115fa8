// # text()
const response = await ask();
return [facts(response), await response.text(), facts(response)];

// # json() of what is none
return tried(async () => (await ask()).json());

// # arrayBuffer() and blob()
return [(await (await ask()).arrayBuffer()).byteLength, (await (await ask()).blob()).size];

// # twice
const response = await ask();
await response.text();
return tried(() => response.text());

// # a reader
const response = await ask();
const reader = response.body.getReader();
const seen = [facts(response), thrown(() => response.body.getReader()), thrown(() => response.clone())];
let length = 0;
for (let part; !(part = await reader.read()).done; ) length += part.value.length;
await reader.closed;
reader.releaseLock();
return [...seen, length, facts(response), String(reader)];

// # a reader after another
const response = await ask();
const first = response.body.getReader();
const { value } = await first.read();
first.releaseLock();
return [await tried(() => first.read()), value.length + (await lengthOf(response.body))];

// # a reader with a buffer of its own
const response = await ask();
const reader = response.body.getReader({ mode: "byob" });
let length = 0;
for (let part; !(part = await reader.read(new Uint8Array(10))).done; ) length += part.value.length;
return [length, String(reader)];

// # a reader of a kind that does not exist
const response = await ask();
return thrown(() => response.body.getReader({ mode: "x" }));

// # for await
return lengthOf((await ask()).body);

// # values()
return lengthOf((await ask()).body.values({ preventCancel: true }));

// # pipeTo()
let length = 0;
const sink = new WritableStream({
  write(part) {
    length += part.length;
  },
});
const response = await ask();
const piped = response.body.pipeTo(sink);
return [response.body.locked, await tried(() => piped), length, response.body.locked, response.bodyUsed];

// # pipeThrough()
let text = "";
for await (const part of (await ask()).body.pipeThrough(new TextDecoderStream())) text += part;
return text;

// # pipes with wrong arguments
const response = await ask();
return [await tried(() => response.body.pipeTo({})), thrown(() => response.body.pipeThrough({}))];

// # tee()
const response = await ask();
const [one, other] = response.body.tee();
return [await lengthOf(one), await lengthOf(other), response.body.locked, response.bodyUsed];

// # clone()
const response = await ask();
const copy = response.clone();
return [facts(copy), await copy.text(), await response.text(), thrown(() => response.clone())];

// # wrapped in another response
const response = await ask();
return (await new Response(response.body, response).text()).length;

// # sent on as a body
const response = await ask();
return (await (await fetch("/echo", { method: "POST", body: await response.blob() })).text()).length;

// # sent to a port
const response = await ask();
const { port1, port2 } = new MessageChannel();
const got = new Promise((resolve) => {
  port2.onmessage = ({ data }) => resolve(data);
});
port1.postMessage(response.body, [response.body]);
return [await lengthOf(await got), response.bodyUsed, response.body.locked];

// # the body is the same each time
const response = await ask();
return [response.body === response.body, response.body.locked];

// # never read
return facts(await ask());

// # a Request
const request = new Request(NEW, options());
const response = await fetch(request);
return [facts(response), request.bodyUsed, (await response.text()).length];

// # a Request with options beside it
const request = new Request(NEW, { method: "POST", headers: { "X-WEBSITE-ID": "one" }, body: "{}" });
const body = JSON.stringify({ query: "q" });
return [facts(await fetch(request, { body, headers: { "X-WEBSITE-ID": "two" } })), request.bodyUsed];

// # a Request that becomes a POST by its options
return facts(await fetch(new Request(NEW), options()));

// # a URL
return facts(await fetch(new URL(NEW), options()));

// # an object that is Kapa's address
return facts(await fetch({ toString: () => NEW }, options()));

// # a method in small letters
return facts(await ask({ method: "post" }));

// # bytes for a body
return facts(await ask({ body: new TextEncoder().encode(JSON.stringify({ query: "q" })) }));

// # a blob for a body
return facts(await ask({ body: new Blob([JSON.stringify({ query: "q" })]) }));

// # a stream for a body
const body = new Blob([JSON.stringify({ query: "q" })]).stream();
return tried(async () => facts(await ask({ duplex: "half", body })));

// # a text object for a body
return facts(await ask({ body: new String(JSON.stringify({ query: "q" })) }));

// # many options
const headers = new Headers({ "X-WEBSITE-ID": "w" });
return facts(await ask({ headers, cache: "no-store", referrerPolicy: "no-referrer", keepalive: true, priority: "high" }));

// # a vote
return facts(await fetch(HOST + "feedback/upsert/", options()));

// # a vote that is a Request
const request = new Request(HOST + "feedback/upsert/", options());
return [facts(await fetch(request)), request.bodyUsed];
