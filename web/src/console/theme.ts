/** How antd looks here. The build makes a style sheet of it (vite.config.ts), so that no style is ever written by script. */

import type { ThemeConfig } from "antd";

const token = {
  colorPrimary: "#b3271e",
  colorInfo: "#1f5fa8",
  colorLink: "#1f5fa8",
  colorSuccess: "#1e7d4f",
  colorWarning: "#b26a00",
  colorError: "#c0271d",
  borderRadius: 8,
  fontFamily: "system-ui, 'PingFang SC', 'Noto Sans CJK SC', 'Microsoft YaHei', sans-serif",
};

/** The class under which each look's variables stand. */
export const LOOKS = { light: "fq-light", dark: "fq-dark" } as const;

export const light: ThemeConfig = {
  hashed: false,
  cssVar: { key: LOOKS.light },
  token: { ...token, colorBgLayout: "#f5f4f1", colorTextSecondary: "rgba(0,0,0,0.62)", colorTextDescription: "rgba(0,0,0,0.6)" },
};

/** antd's dark algorithm is added by whoever uses it: it is a third of a megabyte that the browser never needs. */
export const dark: ThemeConfig = {
  hashed: false,
  cssVar: { key: LOOKS.dark },
  token: { ...token, colorPrimary: "#e0584c", colorLink: "#7db2ea", colorInfo: "#7db2ea" },
};
