// node_client.js PORT VERSION N [CERTIFICATE KEY]: N + 1 connections to localhost, each with the
// newest session.
"use strict";
const fs = require("fs");
const tls = require("tls");

const [port, version, n, ...own] = process.argv.slice(2);
const [cert, key] = own.map((path) => fs.readFileSync(path));
let session;

function connect(left) {
  const options = {
    host: "127.0.0.1", port: Number(port), servername: "localhost", session,
    minVersion: version, maxVersion: version, rejectUnauthorized: false,
    cert, key,
  };
  let answer = "";
  const socket = tls.connect(options, () => {
    socket.write("GET /session.json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  });
  socket.on("session", (fresh) => { session = fresh; });
  socket.on("data", (part) => { answer += part; });
  socket.on("error", (e) => { console.error(String(e)); process.exitCode = 1; });
  socket.on("close", () => {
    console.log(answer.split("\r\n\r\n")[1]);
    if (left > 0) connect(left - 1);
  });
}

connect(Number(n));
