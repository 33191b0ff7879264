/** A payment at a till that waits for this person. */

import { Button } from "antd-mobile";
import { useState } from "react";
import { useRoute } from "../desk/route";
import { useSay } from "../desk/say";
import { useAsk } from "../desk/server";
import type { Home, Receipt } from "../shared/api";
import { useHolder } from "./App";
import { Price } from "./Cashier";
import { yuan } from "./format";
import { Answer, Done, Failed, Loading, Page } from "./parts";
import { useCommand } from "./server";

export default function Confirm() {
  const say = useSay();
  const [, id = ""] = useRoute();
  const { news } = useHolder();
  const home = useAsk<Home>("/app/wallet/home", [news]);
  const pay = useCommand<Receipt>();
  const decline = useCommand();
  const [ended, setEnded] = useState<{ paid?: number }>();
  const it = home.data?.confirmations.find((each) => each.order_id === id);
  const title = say("Confirm", "确认付款");
  if (ended) return <Page title={title}>{ended.paid === undefined ? <p role="status">{say("You declined. Nothing was paid.", "已拒绝，未扣款。")}</p> : <Done title={say("Paid", "支付成功")} amount={yuan(ended.paid)} />}</Page>;
  if (!home.data) return <Page title={title}>{home.failure ? <Failed failure={home.failure} again={home.again} /> : <Loading />}</Page>;
  if (!it) return <Page title={title}><p role="status">{say("This payment does not wait any more.", "该笔付款已不需要确认。")}</p></Page>;
  return (
    <Page title={title}>
      <Price shop={it.shop.name} description={it.description} amount={it.amount} quote={it.quote} />
      <Answer command={pay} /><Answer command={decline} />
      <Button block color="primary" size="large" loading={pay.busy} onClick={() => void pay.run(`/app/wallet/confirmations/${id}/pay`, { at_most: it.quote.to_pay }).then((done) => { if (done) setEnded({ paid: it.quote.to_pay }); })}>{say(`Pay ${yuan(it.quote.to_pay)}`, `确认付款 ${yuan(it.quote.to_pay)}`)}</Button>
      <Button block size="large" loading={decline.busy} onClick={() => void decline.run(`/app/wallet/confirmations/${id}/decline`).then((done) => { if (done) setEnded({}); })}>{say("Decline", "拒绝")}</Button>
    </Page>
  );
}
