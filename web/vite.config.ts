import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";
import { antdCss } from "./antd-css.ts";

const apps = ["wallet", "till", "console"].filter((app) => existsSync(`${app}/index.html`));

/** Text is compressed once, beside itself: the server sends what a browser takes. */
function gzip(): Plugin {
  let folder = "";
  return {
    name: "gzip",
    apply: "build",
    configResolved: (config) => { folder = config.build.outDir; },
    closeBundle() {
      for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
        const path = join(entry.parentPath, entry.name);
        if (entry.isFile() && /\.(?:js|css|svg|wasm|webmanifest)$/.test(entry.name)) writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }));
      }
    },
  };
}

/** Where `npm run dev` sends what is not an app: `feiqian demo`. */
const server = process.env.FEIQIAN ?? "http://127.0.0.1:8080";
/** With the host that the browser asked: the server wants its pages to be its own. */
const through = { target: server, changeOrigin: false };

export default defineConfig({
  plugins: [react(), antdCss(), gzip()],
  html: { cspNonce: "__CSP_NONCE__" },
  build: {
    target: "es2022",
    // No picture or font stands inside of a style: the policy lets files in.
    assetsInlineLimit: 0,
    rolldownOptions: { input: Object.fromEntries(apps.map((app) => [app, `${app}/index.html`])) },
  },
  server: { proxy: Object.fromEntries(["/app", "/v1", "/q"].map((path) => [path, through])) },
});
