// A server that reads what it is to do from settings.json, in its folder or where its argument says.
"use strict";
const crypto = require("crypto");
const fs = require("fs");
const https = require("https");

const settings = JSON.parse(fs.readFileSync(process.argv[2] || "settings.json", "utf8"));
const options = {
    cert: fs.readFileSync(settings.cert),
    key: fs.readFileSync(settings.key),
    minVersion: "TLSv1.2",
};
if (settings.ticketKeys) {
    options.ticketKeys = Buffer.from(settings.ticketKeys, "hex");
}
if (!settings.tickets) {
    options.secureOptions = crypto.constants.SSL_OP_NO_TICKET;
}
// One server's context for all its addresses, as one that listens everywhere would have.
const [first, ...more] = settings.listen;
const server = https.createServer(options, (request, response) => {
    response.writeHead(200, {"Content-Type": "text/plain", "Connection": "close"});
    response.end("a page\n");
});
server.listen({host: first[0], port: first[1]});
for (const [host, port] of more) {
    require("net").createServer({}, (socket) => server.emit("connection", socket))
        .listen({host, port});
}
