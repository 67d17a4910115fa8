// # the reader is cancelled
const reader = response.body.getReader();
await reader.read();
return [await reader.cancel("enough"), await reader.read()];

// # the body is cancelled
return [await response.body.cancel("enough"), facts(response)];

// # the page aborts while it reads
const reader = response.body.getReader();
await reader.read();
controller.abort("enough");
return [await tried(() => reader.read()), await tried(() => reader.closed)];

// # the page aborts while it waits for the text
const text = tried(() => response.text());
controller.abort();
return text;

// # the page aborts before it reads
controller.abort("enough");
return tried(() => response.text());

// # the reader with a buffer is cancelled
const reader = response.body.getReader({ mode: "byob" });
await reader.read(new Uint8Array(5));
return [await reader.cancel("enough")];

// # the reader after another is cancelled
const first = response.body.getReader();
await first.read();
first.releaseLock();
return [await response.body.getReader().cancel("enough"), facts(response)];
