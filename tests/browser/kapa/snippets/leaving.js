// # the loop is left
for await (const part of response.body) return part.length > 0;

// # the pipe breaks
const sink = new WritableStream({
  write() {
    throw new RangeError("full");
  },
});
return tried(() => response.body.pipeTo(sink));

// # the pipe is aborted
const pipe = new AbortController();
const sink = new WritableStream({
  write() {
    pipe.abort("enough");
  },
});
return tried(() => response.body.pipeTo(sink, { signal: pipe.signal }));

// # what it is piped through is cancelled
const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
await reader.read();
return [await reader.cancel("enough")];

// # both branches are cancelled
const [one, other] = response.body.tee();
return Promise.all([one.cancel("a"), other.cancel("b")]);
