/**
 * antd's styles as a file (`virtual:antd.css`), made when the console is built: the page's Content-Security-Policy allows no
 * styles made by script. The rules are the same for both looks; only the variables differ.
 */

import { createElement, type ReactNode } from "react";
import { extractStyle } from "@ant-design/static-style-extract";
import { ConfigProvider, theme, type ThemeConfig } from "antd";
import type { Plugin } from "vite";
import { LOOKS, dark, light } from "./src/console/theme.ts";

/** What the console uses. */
const INCLUDES = [
  "Alert", "Button", "Card", "Checkbox", "Collapse", "DatePicker", "Descriptions", "Divider", "Drawer", "Dropdown", "Empty", "Form", "Input",
  "InputNumber", "Menu", "Modal", "Pagination", "Popconfirm", "Popover", "Progress", "Radio", "Segmented", "Select", "Skeleton", "Space", "Spin",
  "Steps", "Switch", "Table", "Tabs", "Tag", "Timeline", "Tooltip", "Typography",
];

function styles(config: ThemeConfig): string {
  const customTheme = (node: ReactNode) => createElement(ConfigProvider, { theme: config }, node);
  return extractStyle({ customTheme: customTheme as never, includes: INCLUDES });
}

/** Rules of a sheet, those within `@media` and `@keyframes` with their frame. */
function rulesOf(css: string): string[] {
  const rules: string[] = [];
  let depth = 0;
  let begin = 0;
  for (let at = 0; at < css.length; at++) {
    if (css[at] === "{") depth++;
    if (css[at] === "}" && --depth === 0) {
      rules.push(css.slice(begin, at + 1));
      begin = at + 1;
    }
  }
  return rules;
}

/**
 * Variables that antd makes for a provider without a name; the console has none. And its way to stand still: it waits for the
 * end of animations that never begin, and lists in dialogs stay out of sight.
 */
const unwanted = (rule: string) => rule.startsWith(".css-var-") || rule.startsWith("@media (prefers-reduced-motion");

/** Where antd makes styles by script after all: to measure scroll bars, and to keep the page still behind a dialog. */
const BY_SCRIPT = "/@rc-component/util/es/Dom/dynamicCSS.js";
/** They bear the page's nonce (Vite's `html.cspNonce`). */
const NONCE = "document.querySelector('meta[property=csp-nonce]')?.nonce";

export function antdCss(): Plugin {
  const ID = "virtual:antd.css";
  const FILE = "/__antd.css";
  return {
    name: "antd-css",
    resolveId: (id) => (id === ID ? FILE : undefined),
    transform(code, id) {
      if (!id.endsWith(BY_SCRIPT)) return undefined;
      if (!code.includes("csp?.nonce")) this.error("antd makes its styles in another way");
      return { code: code.replace(/(?:option\.)?csp\?\.nonce/g, NONCE), map: null };
    },
    load(id) {
      if (id !== FILE) return undefined;
      const day = rulesOf(styles(light)).filter((rule) => !unwanted(rule));
      const known = new Set(day);
      const night = rulesOf(styles({ ...dark, algorithm: theme.darkAlgorithm })).filter((rule) => !unwanted(rule) && !known.has(rule));
      const strange = night.find((rule) => !rule.includes(LOOKS.dark));
      if (strange) this.error(`a rule differs between the looks: ${strange.slice(0, 80)}`);
      return [...day, ...night].join("\n");
    },
  };
}
