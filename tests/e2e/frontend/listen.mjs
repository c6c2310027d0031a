// The official Socket.IO client, driven by lines of JSON: commands on standard input, what it hears on standard output.
//   {"do": "connect", "url", "token", "since"?, "transports"?}   {"do": "disconnect"}   {"do": "resync", "since"}
import { createInterface } from "node:readline";
import { io } from "socket.io-client";

const say = (event, data) => process.stdout.write(JSON.stringify({ event, data }) + "\n");
let socket = null;

function connect({ url, token, since, transports }) {
  const auth = since === undefined ? { token } : { token, since };
  socket = io(url, { auth, forceNew: true, reconnection: false, ...(transports ? { transports } : {}) });
  socket.onAny((event, data) => say(event, data));
  socket.on("connect", () => say("connect", { transport: socket.io.engine.transport.name }));
  socket.on("connect_error", (error) => say("connect_error", { message: error.message, data: error.data ?? null }));
  socket.on("disconnect", (reason) => say("disconnect", { reason }));
}

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  if (command.do === "connect") connect(command);
  if (command.do === "disconnect") socket.disconnect();
  if (command.do === "resync") say("resynced", await socket.emitWithAck("resync", { since: command.since }));
}
process.exit(0);
