// End to end: real browsers against the real binary. `node e2e/run.mjs BINARY [STORY …]`; PICTURES=folder keeps pictures.
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { check, tally } from "./check.mjs";
import { Server } from "./server.mjs";

const STORIES = join(dirname(fileURLToPath(import.meta.url)), "stories");
const STORY_LIMIT_MS = 300_000;

const [binary, ...wanted] = process.argv.slice(2);
if (!binary) throw new Error("usage: node e2e/run.mjs BINARY [STORY …]");
const names = readdirSync(STORIES).filter((file) => file.endsWith(".mjs")).map((file) => file.slice(0, -4)).sort();

const folder = mkdtempSync(join(tmpdir(), "feiqian-e2e-"));
const server = await Server.start(resolve(binary), folder);
for (const name of names.filter((name) => wanted.length === 0 || wanted.includes(name))) {
  const people = [];
  const { default: story } = await import(pathToFileURL(join(STORIES, `${name}.mjs`)).href);
  let timer;
  const limit = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error("it took too long")), STORY_LIMIT_MS); });
  const begun = Date.now();
  try {
    await Promise.race([story({ server, folder, with: (someone) => { people.push(someone); return someone; } }), limit]);
  } catch (error) {
    check(`${name}: the story ends`, false, String(error).split("\n").slice(0, 6).join(" "));
    if (process.env.PICTURES) await Promise.all(people.map(({ page }, place) => page.screenshot({ path: join(process.env.PICTURES, `failed-${name}-${place}.png`) }).catch(() => undefined)));
  }
  clearTimeout(timer);
  const problems = people.flatMap((someone) => someone.problems);
  check(`${name}: no script failed and no policy was broken`, problems.length === 0, problems.join("; "));
  await Promise.all(people.map((someone) => someone.close()));
  console.log(`    ${name}: ${((Date.now() - begun) / 1000).toFixed(1)} s`);
}
await server.end();
rmSync(folder, { recursive: true });
console.log(`${tally.passed} passed, ${tally.failed} failed`);
process.exitCode = tally.failed === 0 ? 0 : 1;
