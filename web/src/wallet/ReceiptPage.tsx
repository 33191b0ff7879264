/** The receipt of anything: every part of it. */

import { useRoute } from "../desk/route";
import { useSay, useSpeech } from "../desk/say";
import { useAsk } from "../desk/server";
import type { Receipt } from "../shared/api";
import { useHolder } from "./App";
import { kindName } from "./EntryRow";
import { signed, when, yuan } from "./format";
import { Failed, Loading, Page } from "./parts";

export default function ReceiptPage() {
  const say = useSay();
  const { language } = useSpeech();
  const { news } = useHolder();
  const [, id = ""] = useRoute();
  const receipt = useAsk<Receipt>(`/app/wallet/entries/${encodeURIComponent(id)}`, [news]);
  const it = receipt.data;
  return (
    <Page title={say("Receipt", "凭证")} back={["entries"]}>
      {!it && (receipt.failure ? <Failed failure={receipt.failure} again={receipt.again} /> : <Loading />)}
      {it && (
        <section className="card price">
          <p>{it.title}</p>
          <output>{signed(it.amount)}</output>
          <small>{kindName(it.kind, say)} · {when(it.at, language)}</small>
          <dl>
            {it.parts.map((part, place) => <div key={place}><dt>{part.label}</dt><dd>{yuan(part.amount)}</dd></div>)}
            {it.rebate && <div><dt>{say("Rebate", "返现")}{it.rebate.arrives_at && <small>{say("arrives", "到账")} {when(it.rebate.arrives_at, language)}</small>}</dt><dd className="in">{yuan(it.rebate.amount)}</dd></div>}
            {it.refunds.map((refund) => <div key={refund.id}><dt>{say("Refunded", "退款")}<small>{when(refund.at, language)}{refund.reason && ` · ${refund.reason}`}</small></dt><dd className="in">{yuan(refund.amount)}</dd></div>)}
            {it.merchant_number && <div><dt>{say("Shop's number", "商户单号")}</dt><dd className="number">{it.merchant_number}</dd></div>}
            {it.order_id && <div><dt>{say("Order", "订单号")}</dt><dd className="number">{it.order_id}</dd></div>}
            {it.payment_id && <div><dt>{say("Payment", "交易号")}</dt><dd className="number">{it.payment_id}</dd></div>}
          </dl>
        </section>
      )}
    </Page>
  );
}
