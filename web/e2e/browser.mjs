// Headless Chromium, one process a person, as each person has a device of their own.
import { join } from "node:path";
import { chromium } from "playwright-core";

export const PHONE = { width: 390, height: 844 };
export const COUNTER = { width: 1024, height: 768 };
export const DESK = { width: 1440, height: 900 };

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
// No sandbox of its own: it runs as root in CI. The rest keeps it from asking the network for anything.
const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required",
];

/** A person's browser. `camera` is the path of a film ([film]); it may be written until the camera is opened. */
export async function person(origin, { size = PHONE, camera, language = "en-GB", dark = false } = {}) {
  const eyes = camera
    ? ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", `--use-file-for-fake-video-capture=${camera}`]
    : [];
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: [...FLAGS, ...eyes] });
  const context = await browser.newContext({
    baseURL: origin, viewport: size, locale: language, colorScheme: dark ? "dark" : "light",
    timezoneId: "Asia/Shanghai", permissions: camera ? ["camera"] : [],
  });
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  const problems = [];
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" && /Content Security Policy|Refused to/.test(message.text())) problems.push(message.text());
  });
  return { browser, context, page, problems, close: () => browser.close() };
}

/** Takes the picture for README and docs, when pictures are wanted (`PICTURES=folder`). */
export async function picture(page, name) {
  if (process.env.PICTURES) {
    await page.screenshot({ path: join(process.env.PICTURES, `${name}.png`), animations: "disabled" });
  }
}
