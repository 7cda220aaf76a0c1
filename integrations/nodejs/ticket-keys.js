// Gives a TLS server the ticket keys of a file, now and whenever reprised replaces it (docs/FEEDS.md).
// In a cluster every worker calls it, for each of its servers: each seals with keys of its own.
"use strict";
const fs = require("fs");
const path = require("path");

module.exports = function watchTicketKeys(server, file, report = console.error) {
    let held = fs.readFileSync(file);
    server.setTicketKeys(held);
    const watcher = fs.watch(path.dirname(file), () => {
        try {
            const keys = fs.readFileSync(file);
            if (keys.length === 48 && !keys.equals(held)) {
                server.setTicketKeys(held = keys);
            }
        } catch (error) {
            report(`${file}: ${error.message}`);
        }
    });
    server.on("close", () => watcher.close());
    return watcher;
};
