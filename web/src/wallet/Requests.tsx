/** Asking for money: of one person, or of several who split a bill. */

import { Button } from "antd-mobile";
import { useState } from "react";
import { go, href, useRoute } from "../desk/route";
import { useSay } from "../desk/say";
import { useAsk } from "../desk/server";
import type { MoneyRequest, Page as Rows } from "../shared/api";
import { useHolder } from "./App";
import { fenOf, yuan } from "./format";
import { Amount, Answer, Failed, Field, Loading, Nothing, Page, Sheet } from "./parts";
import { useCommand } from "./server";

export default function Requests() {
  const say = useSay();
  const { news } = useHolder();
  const [, id] = useRoute();
  const requests = useAsk<Rows<MoneyRequest>>("/app/wallet/requests", [news]);
  const title = say("Request & split", "收款与 AA");
  if (id === "new") return <Page title={title} back={["requests"]}><Ask /></Page>;
  if (!requests.data) return <Page title={title}>{requests.failure ? <Failed failure={requests.failure} again={requests.again} /> : <Loading />}</Page>;
  const one = requests.data.data.find((each) => each.id === id);
  if (one) return <Page title={title} back={["requests"]}><One request={one} again={requests.again} /></Page>;
  return (
    <Page title={title}>
      <a className="button" href={href("requests", "new")}>{say("Ask for money", "发起收款")}</a>
      <section className="card list">
        {requests.data.data.length === 0 && <Nothing>{say("Nobody owes anybody anything.", "暂无收款。")}</Nothing>}
        {requests.data.data.map((each) => {
          const paid = each.shares.filter((share) => share.status === "paid").length;
          return <a key={each.id} className="row" href={href("requests", each.id)}><span><strong>{each.mine ? each.note : each.from}</strong><small>{each.mine ? say(`${paid} of ${each.shares.length} paid`, `${paid}/${each.shares.length} 已付`) : each.note}</small></span><b>{yuan(each.shares.reduce((sum, share) => sum + share.amount, 0))}</b></a>;
        })}
      </section>
    </Page>
  );
}

function One({ request, again }: { request: MoneyRequest; again: () => void }) {
  const say = useSay();
  const pay = useCommand<MoneyRequest>();
  const mine = request.shares.find((share) => share.mine);
  const act = (what: string) => void pay.run(`/app/wallet/requests/${request.id}/${what}`).then(again);
  const texts = { open: say("open", "待付"), paid: say("paid", "已付"), declined: say("declined", "已拒绝") };
  const ends = { open: say("Open", "进行中"), done: say("Done", "已完成"), cancelled: say("Cancelled", "已取消"), expired: say("Expired", "已过期") };
  return (
    <>
      <section className="card price"><p>{request.mine ? say("You ask", "我发起的收款") : say(`${request.from} asks`, `${request.from} 发起的收款`)}</p><output>{yuan(mine?.amount ?? request.shares.reduce((sum, share) => sum + share.amount, 0))}</output><small>{request.note}</small><strong>{ends[request.status]}</strong></section>
      <section className="card list">{request.shares.map((share, place) => <p key={place} className="row"><span><strong>{share.who}</strong><small data-status={share.status}>{texts[share.status]}</small></span><b>{yuan(share.amount)}</b></p>)}</section>
      <Answer command={pay} />
      {request.status === "open" && mine?.status === "open" && <><Button block color="primary" size="large" loading={pay.busy} onClick={() => act("pay")}>{say(`Pay ${yuan(mine.amount)}`, `支付 ${yuan(mine.amount)}`)}</Button><Button block onClick={() => act("decline")}>{say("Decline", "拒绝")}</Button></>}
      {request.status === "open" && request.mine && <Button block onClick={() => act("cancel")}>{say("Cancel the request", "取消收款")}</Button>}
    </>
  );
}

function Ask() {
  const say = useSay();
  const [who, setWho] = useState("");
  const [amount, setAmount] = useState("");
  const [each, setEach] = useState(false);
  const [note, setNote] = useState("");
  const [wrong, setWrong] = useState<string>();
  const ask = useCommand<MoneyRequest>();
  const people = who.split(/[\s,，、]+/).filter(Boolean);
  async function submit() {
    const fen = fenOf(amount);
    if (!fen) return setWrong(say("An amount like 88.00", "请输入正确的金额，例如 88.00"));
    // By head: the asker pays a share, too, and what cannot be split.
    const share = each ? fen : Math.floor(fen / (people.length + 1));
    if (share < 1) return setWrong(say("Too little for so many", "金额过小"));
    const request = await ask.run("/app/wallet/requests", { note, shares: people.map((to) => ({ to, amount: share })) });
    if (request) go("requests", request.id);
  }
  return (
    <Sheet action={say("Ask", "发起收款")} busy={ask.busy} disabled={people.length === 0} onSubmit={() => void submit()}>
      <Field label={say("Who? Phone numbers or @handles", "向谁收款？手机号或 @用户名")} value={who} onChange={setWho} autoComplete="off" />
      <Amount label={each ? say("Amount for each", "每人金额") : say("The whole bill", "总金额")} value={amount} onChange={setAmount} wrong={wrong} />
      <label className="check"><input type="checkbox" checked={each} onChange={(event) => setEach(event.target.checked)} />{say("This amount of each, not split with me", "每人按此金额支付")}</label>
      <Field label={say("What for", "用途")} value={note} onChange={setNote} maxLength={60} />
      <Answer command={ask} />
    </Sheet>
  );
}
