// # its name and length
return [fetch.name, fetch.length, typeof fetch, "prototype" in fetch, /native code/.test(fetch)];

// # it is no constructor
return thrown(() => new fetch("/favicon.ico"));

// # its property can be replaced
const { writable, enumerable, configurable } = Object.getOwnPropertyDescriptor(window, "fetch");
return [writable, enumerable, configurable];

// # no argument
return tried(() => fetch());

// # no argument throws nothing at once
return thrown(() => {
  const promise = fetch();
  promise.catch(() => {});
  return promise;
});

// # another this
return tried(() => fetch.call({}, "/favicon.ico"));

// # another this, to Kapa
return tried(() => fetch.call({}, NEW, options()));

// # another this, a handoff
return tried(() => fetch.call({}, HOST + "thread/t1/handoff/", options()));

// # no this
return tried(async () => (await fetch.call(undefined, "/favicon.ico")).status);

// # null for this
return tried(async () => (await fetch.apply(null, ["/favicon.ico"])).status);

// # an address that does not parse
return tried(() => fetch("https://[/v2/", options()));

// # an address with a password
return tried(() => fetch(NEW.replace("proxy.kapa", "me:secret@proxy.kapa"), options()));

// # a symbol
return tried(() => fetch(Symbol("x"), options()));

// # null
return tried(async () => (await fetch(null)).status);

// # an object that throws
const input = {
  toString() {
    throw new RangeError("no text");
  },
};
return tried(() => fetch(input, options()));

// # an object that is an address
return tried(async () => (await fetch({ toString: () => "/favicon.ico" })).status);

// # an object whose address is something else
return tried(async () => (await fetch({ url: NEW, toString: () => "/favicon.ico" })).status);

// # options that throw
const given = {
  get method() {
    throw new RangeError("no method");
  },
};
return tried(() => fetch(NEW, given));

// # options that are none
return tried(() => fetch("/favicon.ico", 5));

// # GET with a body
return tried(() => fetch(NEW, { method: "GET", body: "x" }));

// # a method that is forbidden
return tried(() => fetch(NEW, { method: "TRACE" }));

// # a method that only looks like one
return tried(() => fetch(NEW, options({ method: "PO ST" })));

// # a header that is forbidden
return tried(() => fetch(NEW, options({ headers: { "a b": "c" } })));

// # a signal that is none
return tried(() => ask({ signal: {} }));

// # a body that throws
const body = {
  toString() {
    throw new RangeError("no body");
  },
};
return tried(() => ask({ body }));

// # a body that throws, a handoff
const body = {
  toString() {
    throw new RangeError("no body");
  },
};
return tried(() => fetch(HOST + "thread/t1/handoff/", options({ body })));

// # aborted before
return tried(() => ask({ signal: AbortSignal.abort() }));

// # aborted before, with a reason
return tried(() => ask({ signal: AbortSignal.abort("my reason") }));

// # a handoff aborted before
return tried(() => fetch(HOST + "thread/t1/handoff/", options({ signal: AbortSignal.abort("my reason") })));

// # a vote aborted before
return tried(() => fetch(HOST + "feedback/upsert/", options({ signal: AbortSignal.abort("my reason") })));

// # a request whose body is used
const request = new Request(NEW, options());
await request.text();
return tried(() => fetch(request));

// # a request whose body is being read
const request = new Request(NEW, options());
request.body.getReader();
return tried(() => fetch(request));

// # blocked by the policy
return tried(() => fetch(NEW.replace("proxy.kapa.ai", "elsewhere.example"), options()));
