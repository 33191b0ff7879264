// A camera that sees a QR code: a film of one picture in YUV4MPEG2, which Chromium plays as its camera.
import { writeFileSync } from "node:fs";
import qrcode from "qrcode-generator";

const SIDE = 480;
const QUIET_MODULES = 6;
const FRAMES = 30;

export function film(path, text) {
  const code = qrcode(0, "M");
  code.addData(text);
  code.make();
  const size = code.getModuleCount();
  const across = size + 2 * QUIET_MODULES;
  const luma = Buffer.alloc(SIDE * SIDE, 235);
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const [column, row] = [x, y].map((at) => Math.floor((at * across) / SIDE) - QUIET_MODULES);
      const inside = Math.min(column, row) >= 0 && Math.max(column, row) < size;
      if (inside && code.isDark(row, column)) luma[y * SIDE + x] = 16;
    }
  }
  const colour = Buffer.alloc((SIDE * SIDE) / 2, 128);
  const frame = Buffer.concat([Buffer.from("FRAME\n"), luma, colour]);
  const head = Buffer.from(`YUV4MPEG2 W${SIDE} H${SIDE} F10:1 Ip A1:1 C420jpeg\n`);
  writeFileSync(path, Buffer.concat([head, ...Array.from({ length: FRAMES }, () => frame)]));
}
