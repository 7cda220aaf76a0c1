"use strict";

const CONNECTIONS = 10;

const tiles = document.getElementById("tiles");
const summary = document.getElementById("summary");
const again = document.getElementById("again");

/* The server closes after every answer, so each of these is a connection of its own. */
async function connect() {
  const answer = await fetch("/session.json", { cache: "no-store" });
  if (!answer.ok) {
    throw new Error(`HTTP ${answer.status}`);
  }
  return answer.json();
}

function line(tile, text, kind) {
  const span = document.createElement("span");
  span.textContent = text;
  if (kind) {
    span.className = kind;
  }
  tile.append(span);
}

function clearTiles() {
  tiles.replaceChildren();
  for (let i = 0; i < CONNECTIONS; i++) {
    tiles.append(document.createElement("li"));
  }
}

function draw(tile, facts) {
  tile.className = facts.session;
  tile.title = `verdict ${facts.verdict}, ${facts.version}, ${facts.cipher}`;
  line(tile, facts.session, "state");
  line(tile, facts.session === "Reused" ? facts.mechanism : "in full");
  line(tile, `worker ${facts.worker}`);
}

function drawFailure(tile) {
  tile.className = "Failed";
  line(tile, "Failed", "state");
}

function sum(done) {
  const reused = done.filter((facts) => facts.session === "Reused").length;
  const workers = new Set(done.map((facts) => facts.worker)).size;
  const failed = CONNECTIONS - done.length;
  if (failed === CONNECTIONS) {
    return "No connection succeeded: is the server still there?";
  }
  return `${reused} of ${CONNECTIONS} resumed, on ${workers} worker${workers === 1 ? "" : "s"}`
    + (failed ? `; ${failed} failed.` : ".");
}

async function run() {
  const done = [];
  again.hidden = false;
  again.disabled = true;
  summary.textContent = "Connecting…";
  clearTiles();
  for (const tile of tiles.children) {
    try {
      const facts = await connect();
      done.push(facts);
      draw(tile, facts);
    } catch (error) {
      drawFailure(tile);
    }
  }
  summary.textContent = sum(done);
  again.disabled = false;
}

again.addEventListener("click", run);
run();
