import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { antdCss } from "./antd-css";

/** Three apps in one build; the gateway embeds `dist` (scripts/pack.mjs compresses it). */
export default defineConfig({
  plugins: [react(), antdCss()],
  base: "/",
  build: {
    modulePreload: { polyfill: false },
    rollupOptions: { input: { wallet: "wallet/index.html", till: "till/index.html", console: "console/index.html" } },
  },
});
