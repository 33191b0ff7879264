/** The shift that runs, and its report when it is closed. */

import { Button, Popup } from "antd-mobile";
import { useState } from "react";
import type { Shift, Staff } from "../shared/api";
import { useSay } from "../desk/say";
import { useAsk, useSend } from "../desk/server";
import { instant, yuan } from "./format";
import { Failed, Shown, Title } from "./parts";

export default function ShiftPage({ me }: { me: Staff }) {
  const say = useSay();
  const running = useAsk<Shift>("/app/till/shift");
  const closing = useSend<Shift>();
  const [asking, setAsking] = useState(false);
  const [closed, setClosed] = useState<Shift>();

  async function close() {
    const shift = await closing.run("POST", "/app/till/shift/close", {});
    if (!shift) return;
    setAsking(false);
    setClosed(shift);
    running.again();
  }

  return (
    <div className="page">
      <Title>{say("Shift", "交班")}</Title>
      {closed && (
        <section className="card report">
          <h2>{say("Shift report", "交班报告")}</h2>
          <Report shift={closed} shop={me.shop.name} />
          <div className="deeds no-print">
            <Button onClick={() => setClosed(undefined)}>{say("Done", "完成")}</Button>
            <Button color="primary" onClick={() => window.print()}>{say("Print", "打印")}</Button>
          </div>
        </section>
      )}
      <div className="no-print">
        <Shown asked={running}>{(shift) => (
          <section className="card">
            <h2>{say("The running shift", "当前班次")}</h2>
            <Report shift={shift} shop={me.shop.name} />
            <Button block size="large" onClick={() => setAsking(true)}>{say("Close the shift", "结束班次")}</Button>
          </section>
        )}</Shown>
      </div>
      <Popup visible={asking} onMaskClick={() => setAsking(false)} destroyOnClose bodyClassName="sheet">
        <div className="order">
          <h2>{say("Close the shift?", "结束当前班次？")}</h2>
          <p>{say("Its report is shown and can be printed. A new shift begins at once.", "将生成可打印的报告，并立即开始新班次。")}</p>
          {closing.failure && <Failed failure={closing.failure} />}
          <div className="deeds">
            <Button size="large" onClick={() => setAsking(false)}>{say("Not yet", "暂不")}</Button>
            <Button size="large" color="primary" loading={closing.busy} onClick={() => void close()}>{say("Close it", "结束")}</Button>
          </div>
        </div>
      </Popup>
    </div>
  );
}

function Report({ shift, shop }: { shift: Shift; shop: string }) {
  const say = useSay();
  const rows: [string, string][] = [
    [say("Shop", "商户"), shop], [say("Cashier", "收银员"), shift.staff], [say("From", "开始"), instant(shift.from)],
    [say("To", "结束"), shift.to ? instant(shift.to) : say("still running", "进行中")],
    [say("Payments", "收款"), `${shift.payments} · ${yuan(shift.gross)}`], [say("Refunds", "退款"), `${shift.refunds} · ${yuan(-shift.refunded)}`],
    [say("Taken back", "撤销"), String(shift.reversed)], [say("Net", "净额"), yuan(shift.net)],
  ];
  return <dl className="facts">{rows.map(([label, text], place) => <div key={label} className={place === rows.length - 1 ? "sum" : undefined}><dt>{label}</dt><dd>{text}</dd></div>)}</dl>;
}
