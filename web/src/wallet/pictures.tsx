/** QR codes and barcodes, drawn here. Always dark on light, in whatever look: scanners expect it. */

import qrcode from "qrcode-generator";
import { useMemo } from "react";
import { code128 } from "./paycode";

const QUIET = 4;

export function Qr({ text, label }: { text: string; label: string }) {
  const [side, path] = useMemo(() => {
    const code = qrcode(0, "M");
    code.addData(text);
    code.make();
    const count = code.getModuleCount();
    const cells = Array.from({ length: count * count }, (_, at) => [at % count, Math.floor(at / count)] as const);
    const dark = cells.filter(([x, y]) => code.isDark(y, x)).map(([x, y]) => `M${x + QUIET} ${y + QUIET}h1v1h-1z`);
    return [count + 2 * QUIET, dark.join("")];
  }, [text]);
  return (
    <svg className="qr" role="img" aria-label={label} viewBox={`0 0 ${side} ${side}`} shapeRendering="crispEdges">
      <rect width={side} height={side} fill="#fff" /><path d={path} fill="#000" />
    </svg>
  );
}

export function Barcode({ digits, label }: { digits: string; label: string }) {
  const widths = useMemo(() => code128(digits), [digits]);
  const all = widths.reduce((sum, width) => sum + width, 0) + 20;
  let at = 10;
  const bars = widths.map((width, place) => {
    const bar = place % 2 === 0 ? <rect key={place} x={at} width={width} height={40} /> : null;
    at += width;
    return bar;
  });
  return (
    <svg className="barcode" role="img" aria-label={label} viewBox={`0 0 ${all} 40`} preserveAspectRatio="none" shapeRendering="crispEdges">
      <rect width={all} height={40} fill="#fff" />{bars}
    </svg>
  );
}
