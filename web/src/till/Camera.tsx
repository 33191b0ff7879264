/** Scanning with the device's camera: by the browser's own detector where it has one, else by a library. */

import { Button } from "antd-mobile";
import { useEffect, useRef, useState } from "react";
import { useSay } from "../desk/say";

const LOOK_MS = 160;

interface Detector {
  detect: (source: HTMLVideoElement) => Promise<{ rawValue: string }[]>;
}
type DetectorClass = new (options: { formats: string[] }) => Detector;

/** Calls back with every code that it sees; returns how to stop. */
async function watch(video: HTMLVideoElement, seen: (text: string) => void): Promise<() => void> {
  const Native = (window as { BarcodeDetector?: DetectorClass }).BarcodeDetector;
  if (Native) {
    const detector = new Native({ formats: ["qr_code", "code_128"] });
    const timer = window.setInterval(() => {
      if (video.readyState < 2) return;
      detector.detect(video).then((codes) => codes[0] && seen(codes[0].rawValue), () => undefined);
    }, LOOK_MS);
    return () => window.clearInterval(timer);
  }
  const { BarcodeFormat, BrowserMultiFormatReader, DecodeHintType } = await import("@zxing/library");
  const hints = new Map([[DecodeHintType.POSSIBLE_FORMATS, [BarcodeFormat.QR_CODE, BarcodeFormat.CODE_128]]]);
  const reader = new BrowserMultiFormatReader(hints, LOOK_MS);
  reader.decodeContinuously(video, (result) => { if (result) seen(result.getText()); });
  return () => reader.stopContinuousDecode();
}

export default function Camera({ onScan, onClose }: { onScan: (text: string) => void; onClose: () => void }) {
  const say = useSay();
  const video = useRef<HTMLVideoElement>(null);
  const [refused, setRefused] = useState<string>();
  const take = useRef(onScan);
  take.current = onScan;

  useEffect(() => {
    let stop: (() => void) | undefined;
    let stream: MediaStream | undefined;
    let gone = false;
    async function open() {
      const place = video.current;
      if (!place) return;
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1280 } } });
      if (gone) return stream.getTracks().forEach((track) => track.stop());
      place.srcObject = stream;
      await place.play();
      let found = false;
      stop = await watch(place, (text) => { if (!found && !gone) { found = true; take.current(text); } });
      if (gone) stop();
    }
    open().catch((error: unknown) => { if (!gone) setRefused(error instanceof Error ? error.name : String(error)); });
    return () => { gone = true; stop?.(); stream?.getTracks().forEach((track) => track.stop()); };
  }, []);

  return (
    <div className="camera" role="dialog" aria-modal="true" aria-label={say("Scan the shopper's code", "扫描顾客付款码")}>
      <video ref={video} playsInline muted />
      <div className="finder" aria-hidden />
      <p>{refused ? say("The camera cannot be used. Allow it for this page, or use a USB scanner.", "无法使用摄像头。请允许访问摄像头，或使用扫码枪。") : say("Hold the shopper's code into the frame", "将顾客付款码置于框内")}</p>
      <Button size="large" onClick={onClose}>{say("Cancel", "取消")}</Button>
    </div>
  );
}
