// Holds the wallet's first load to its limit.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const DIST = join(dirname(fileURLToPath(import.meta.url)), "..", "dist");
const FIRST_LOAD_BYTES_MAX = 250 * 1024;

/** Scripts that a page loads at once: those that it names, and what these import. */
function firstLoad(page) {
  const html = readFileSync(join(DIST, page), "utf8");
  const seen = new Set([...html.matchAll(/(?:src|href)="\/(assets\/[^"]+\.js)"/g)].map(([, file]) => file));
  for (const file of seen) {
    const script = readFileSync(join(DIST, file), "utf8");
    for (const [, name] of script.matchAll(/(?:from|import)\s*"\.\/([^"]+\.js)"/g)) seen.add(`assets/${name}`);
  }
  return [...seen].reduce((sum, file) => sum + gzipSync(readFileSync(join(DIST, file)), { level: 9 }).length, 0);
}

for (const app of ["wallet", "till", "console"]) {
  const bytes = firstLoad(`${app}/index.html`);
  console.log(`${app}: first load ${Math.round(bytes / 1024)} kB of script (gzip)`);
  if (app === "wallet" && bytes > FIRST_LOAD_BYTES_MAX) throw new Error("the wallet's first load is over its limit");
}
