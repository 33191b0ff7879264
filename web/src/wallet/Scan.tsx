/** Scanning: by camera, from a picture, or what was copied. */

import { useEffect, useRef, useState } from "react";
import { go } from "../desk/route";
import { useSay } from "../desk/say";
import type { Scanned } from "../shared/api";
import { Answer, Page } from "./parts";
import { see, seeFile } from "./see";
import { useCommand } from "./server";

const LOOK_MS = 200;

export default function Scan() {
  const say = useSay();
  const video = useRef<HTMLVideoElement>(null);
  const [trouble, setTrouble] = useState<string>();
  const [foreign, setForeign] = useState<Extract<Scanned, { kind: "foreign" }>>();
  const ask = useCommand<Scanned>();

  async function understand(text: string) {
    const found = await ask.run("/app/wallet/scan", { text });
    if (!found) return;
    if (found.kind === "order") go("q", found.token);
    if (found.kind === "merchant") go("shop", found.code);
    if (found.kind === "packet") go("packet", found.token);
    if (found.kind === "user") go("send", found.handle);
    if (found.kind === "foreign") setForeign(found);
  }
  const take = useRef(understand);
  take.current = understand;

  useEffect(() => {
    let stream: MediaStream | undefined;
    let timer: number | undefined;
    let gone = false;
    let seen: string | undefined;
    async function open() {
      const place = video.current;
      if (!place) return;
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      if (gone) return stream.getTracks().forEach((track) => track.stop());
      place.srcObject = stream;
      await place.play();
      const look = async () => {
        const text = place.readyState >= 2 ? await see(place, place.videoWidth, place.videoHeight) : undefined;
        if (gone) return;
        if (text && text !== seen) { seen = text; await take.current(text); }
        if (!gone) timer = window.setTimeout(() => void look(), LOOK_MS);
      };
      await look();
    }
    open().catch(() => { if (!gone) setTrouble(say("The camera cannot be used. Choose a picture instead.", "无法使用摄像头，请选择图片。")); });
    return () => { gone = true; window.clearTimeout(timer); stream?.getTracks().forEach((track) => track.stop()); };
  }, [say]);

  async function picture(file: File | undefined) {
    if (!file) return;
    setTrouble(undefined);
    const text = await seeFile(file).catch(() => undefined);
    if (text) await understand(text);
    else setTrouble(say("There is no code in this picture.", "图片中未找到二维码。"));
  }

  return (
    <Page title={say("Scan", "扫一扫")}>
      <div className="finder"><video ref={video} playsInline muted aria-label={say("Camera", "摄像头")} /></div>
      {trouble && <p role="alert" className="quiet">{trouble}</p>}
      {foreign && (
        <section className="card" role="status">
          <h2>{foreign.merchant_name}</h2>
          <p className="quiet">{foreign.city}, {foreign.country}{foreign.amount && ` · ${foreign.amount}`}</p>
          <p>{say("This code belongs to another payment system; it cannot be paid here.", "该收款码属于其他支付系统，无法在此付款。")}</p>
        </section>
      )}
      <Answer command={ask} />
      <label className="button plain">{say("Choose a picture", "从相册选择")}<input type="file" accept="image/*" className="unseen" onChange={(event) => void picture(event.target.files?.[0])} /></label>
    </Page>
  );
}

