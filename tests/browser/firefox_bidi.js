// Loaded into Playwright's driver, which sets a color scheme for each visitor: Firefox 153 has no such command yet, and
// this answers in its place. Once Debian's Firefox knows emulation.setMediaFeaturesOverride, delete this file.
"use strict";
const { dirname, join } = require("path");
const { ws: WebSocket } = require(join(dirname(process.argv[1]), "lib", "utilsBundle.js"));

const { send } = WebSocket.prototype;
WebSocket.prototype.send = function (message, ...rest) {
  if (!String(message).includes('"emulation.setMediaFeaturesOverride"')) return send.call(this, message, ...rest);
  const answer = { type: "success", id: JSON.parse(message).id, result: {} };
  setImmediate(() => this.emit("message", Buffer.from(JSON.stringify(answer)), false));
};
