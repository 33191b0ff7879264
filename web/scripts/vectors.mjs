// Holds what the phone makes of a pay code to what the server reads: both have the vectors of src/wallet/cpm.vectors.json.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const WALLET = join(dirname(fileURLToPath(import.meta.url)), "..", "src", "wallet");

const [made] = await build({
  configFile: false,
  logLevel: "error",
  build: { write: false, minify: false, lib: { entry: join(WALLET, "cpm.ts"), formats: ["es"] } },
});
const script = made.output.find((file) => file.type === "chunk").code;
const { cpm } = await import(`data:text/javascript;base64,${Buffer.from(script).toString("base64")}`);
const vectors = JSON.parse(readFileSync(join(WALLET, "cpm.vectors.json"), "utf8"));
for (const [digits, text] of vectors) assert.equal(cpm(digits), text);
console.log(`pay codes: ${vectors.length} EMV vectors agree`);
