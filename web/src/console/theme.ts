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
  token: {
    ...token, colorBgLayout: "#f5f4f1", colorTextSecondary: "#5d5952", colorTextDescription: "#66615a", colorTextTertiary: "#66615a",
    colorTextPlaceholder: "#757068", colorSuccessBg: "#e6f4ec", colorWarningBg: "#fff3dc", colorErrorBg: "#fdecea", colorInfoBg: "#e8f0fa",
    colorWarning: "#8a5200",
  },
};

/** antd's dark algorithm is added by whoever uses it: it is a third of a megabyte that the browser never needs. */
export const dark: ThemeConfig = {
  hashed: false,
  cssVar: { key: LOOKS.dark },
  token: {
    ...token, colorPrimary: "#e0584c", colorLink: "#7db2ea", colorInfo: "#8fbdf0", colorBgContainer: "#1e1c1b", colorBgElevated: "#262422",
    colorBgLayout: "#141312", colorTextDescription: "#a9a29a", colorTextTertiary: "#a9a29a", colorTextPlaceholder: "#a09a92", colorSuccess: "#63c690",
    colorWarning: "#e8b45a", colorError: "#f0857b", colorSuccessBg: "#17301f", colorWarningBg: "#372a12", colorErrorBg: "#3a1c19", colorInfoBg: "#182a40",
  },
  components: { Menu: { itemSelectedColor: "#ffb3aa", itemSelectedBg: "#3a211f" } },
};
