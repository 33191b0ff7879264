// Starts, kills and stops the real binary as a sandbox in a folder of its own.
import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const READY_LIMIT_MS = 60_000;

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

export class Server {
  /** The wallet's origin must be one that browsers trust with keys and cameras: localhost is. */
  static async start(binary, folder) {
    const server = new Server();
    server.binary = binary;
    server.folder = folder;
    server.port = await freePort();
    server.url = `http://127.0.0.1:${server.port}`;
    await server.start();
    return server;
  }

  async start() {
    const log = openSync(join(this.folder, "server.log"), "a");
    const args = ["demo", "--data", join(this.folder, "data"), "--listen", `127.0.0.1:${this.port}`];
    args.push("--credentials", join(this.folder, "credentials.json"));
    this.process = spawn(this.binary, args, { stdio: ["ignore", log, log] });
    closeSync(log);
    const begun = Date.now();
    while (!(await this.#ready())) {
      if (this.process.exitCode !== null) throw new Error(`the server ended: see ${this.folder}/server.log`);
      if (Date.now() - begun > READY_LIMIT_MS) throw new Error("the server was not ready in time");
      await sleep(50);
    }
  }

  async #ready() {
    try {
      return (await fetch(`${this.url}/ready`)).ok;
    } catch {
      return false;
    }
  }

  credentials() {
    return JSON.parse(readFileSync(join(this.folder, "credentials.json"), "utf8"));
  }

  async end(signal = "SIGTERM") {
    if (this.process.exitCode !== null) return;
    const ended = new Promise((resolve) => this.process.once("exit", resolve));
    this.process.kill(signal);
    await ended;
  }
}
