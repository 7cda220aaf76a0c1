// A cluster of two workers, each with the keys of the file that settings.json names.
"use strict";
const cluster = require("cluster");
const fs = require("fs");
const https = require("https");
const watchTicketKeys = require("../../integrations/nodejs/ticket-keys.js");

const settings = JSON.parse(fs.readFileSync("settings.json", "utf8"));

if (cluster.isPrimary) {
    for (let i = 0; i < 2; i++) {
        cluster.fork();
    }
} else {
    const server = https.createServer({
        cert: fs.readFileSync(settings.cert),
        key: fs.readFileSync(settings.key),
        minVersion: "TLSv1.2",
        sessionIdContext: "www.example.com",
    }, (request, response) => {
        if (request.url === "/large") {
            fs.createReadStream("large").pipe(response);
        } else {
            response.end("a page\n");
        }
    });
    watchTicketKeys(server, settings.ticketKeys);
    server.listen({host: settings.host, port: settings.port});
}
