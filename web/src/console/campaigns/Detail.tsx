/** One campaign: where it stands, what it may give, what it did, and the next step. */

import { Button, Descriptions, Form, InputNumber, Progress, Skeleton, Space, Table } from "antd";
import { lazy, Suspense, useState } from "react";
import { useSay, type Say } from "../../desk/say";
import { count, instant, percent, yuan, yuanShort } from "../format";
import { Amount, Confirm, Csv, Nothing, Page, Panel, Shown, Status, Waits, useOpen, waiting } from "../parts";
import { go, href } from "../../desk/route";
import { useAsk, useSend } from "../../desk/server";
import { useNames } from "../useNames";
import type { Approval, Campaign, CampaignReport, Effect } from "../types";
import { fieldsOf } from "./form";
import { benefitWords, fundingWords, kindWord, limitWords, steps } from "./words";

const Chart = lazy(() => import("../Charts"));

type Step = ReturnType<typeof steps>[number];

function stepWords(step: Step, say: Say): { title: string; means: string } {
  switch (step) {
    case "approve": return { title: say("Approve", "批准"), means: say("It must be another operator than the one who added it. A merchant that pays, pays its advance now.", "须由添加者以外的操作员批准；出资商户将立即预付。") };
    case "start": return { title: say("Start", "启动"), means: say("It gives from now on, between its times.", "在活动时间内立即生效。") };
    case "pause": return { title: say("Pause", "暂停"), means: say("It gives nothing until it is resumed. Coupons are kept.", "暂停发放，已领取的优惠券保留。") };
    case "resume": return { title: say("Resume", "恢复"), means: say("It gives again.", "恢复发放。") };
    case "end": return { title: say("End", "结束"), means: say("It stays ended, and its open coupons with it. What is left of an advance goes back.", "结束后不可恢复，未使用的优惠券失效，剩余预付款退回。") };
  }
}

export default function Detail({ id }: { id: string }) {
  const campaign = useAsk<Campaign>(`/v1/campaigns/${id}`);
  return <Shown asked={campaign} rows={12}>{(data) => <Campaigns campaign={data} again={campaign.again} />}</Shown>;
}

function Campaigns({ campaign, again }: { campaign: Campaign; again: () => void }) {
  const say = useSay();
  const { nameOf } = useNames();
  const { terms } = campaign;
  const asking = useOpen<Step>();
  const doing = useSend<Campaign>();
  const [approval, setApproval] = useState<Approval>();
  const started = campaign.status !== "draft" && campaign.status !== "approved";
  const used = campaign.budget ? ((campaign.spent + campaign.promised) / campaign.budget) * 100 : 0;

  async function take(step: Step) {
    if (!(await doing.run("POST", `/v1/campaigns/${campaign.id}/${step}`))) return;
    asking.close();
    again();
  }

  function copy() {
    sessionStorage.setItem("feiqian-console-campaign", JSON.stringify(fieldsOf(campaign)));
    go("campaigns", "new");
  }

  return (
    <Page title={<>{terms.name} <Status of={campaign.status} /></>}
      lead={<><a href={href("campaigns")}>{say("Campaigns", "营销活动")}</a> / {campaign.id} · {say(`added by ${campaign.added_by}`, `由 ${campaign.added_by} 添加`)}</>}
      actions={<>
        <Button onClick={copy}>{say("Copy as new", "复制新建")}</Button>
        {steps(campaign).map((step) => (
          <Button key={step} danger={step === "end"} type={step === "end" || step === "pause" ? "default" : "primary"}
            onClick={() => { doing.forget(); asking.show(step); }}>{stepWords(step, say).title}</Button>
        ))}
      </>}>
      {approval && <Waits approval={approval} onClose={() => setApproval(undefined)} />}
      <div className="halves">
        <Panel title={say("Terms", "条款")}>
          <Descriptions column={1} size="small" items={[
            { key: "kind", label: say("Gives", "优惠"), children: `${kindWord(terms.kind, say)} · ${benefitWords(terms.benefit, say)}` },
            { key: "funding", label: say("Paid by", "出资"), children: fundingWords(terms.funding, nameOf, say) },
            { key: "time", label: say("Time", "时间"), children: `${instant(terms.from)} – ${instant(terms.until)}` },
            { key: "rule", label: say("Rule", "规则"), children: terms.rule ? <code className="rule-shown">{terms.rule}</code> : say("every payment", "全部支付") },
            { key: "limits", label: say("Limits", "限制"), children: limitWords(terms, nameOf, say).join(say("; ", "；")) || say("none", "无") },
          ]} />
        </Panel>
        <Panel title={say("Budget", "预算")} extra={campaign.status !== "ended" && <Budget campaign={campaign} again={again} onWait={setApproval} />}>
          <div className="budget-line"><strong>{yuan(campaign.left)}</strong> {say(`left of ${yuan(campaign.budget)}`, `剩余 / 共 ${yuan(campaign.budget)}`)}</div>
          <Progress percent={Math.round(used * 10) / 10} status={used >= 100 ? "exception" : "normal"} aria-label={say("Budget used", "已用预算")} />
          <Descriptions column={2} size="small" items={[
            { key: "spent", label: say("Granted", "已发放"), children: <Amount fen={campaign.spent} /> },
            { key: "promised", label: say("Promised to coupons", "优惠券占用"), children: <Amount fen={campaign.promised} /> },
            { key: "subsidy", label: say("Platform's part", "平台承担"), children: <Amount fen={campaign.subsidy} /> },
            { key: "fund", label: say("Advance left", "预付余额"), children: <Amount fen={campaign.fund} /> },
            { key: "pending", label: say("Rebates waiting", "待到账返现"), children: <Amount fen={campaign.pending} /> },
            { key: "coupons", label: say("Coupons given", "已发券"), children: count(campaign.coupons) },
          ]} />
        </Panel>
      </div>
      {started && <Report id={campaign.id} />}
      {asking.about && (
        <Confirm open title={`${stepWords(asking.about, say).title}: ${terms.name}`} ok={stepWords(asking.about, say).title} danger={asking.about === "end"}
          busy={doing.busy} failure={doing.failure} onOk={() => asking.about && void take(asking.about)} onClose={asking.close}>
          <p>{stepWords(asking.about, say).means}</p>
        </Confirm>
      )}
    </Page>
  );
}

/** The budget is changed from what the operator believes it is: if another was quicker, nothing changes. */
function Budget({ campaign, again, onWait }: { campaign: Campaign; again: () => void; onWait: (approval: Approval) => void }) {
  const say = useSay();
  const editing = useOpen();
  const [next, setNext] = useState<number | null>(campaign.budget / 100);
  const changing = useSend<object>();
  const to = Math.round((next ?? 0) * 100);
  const least = campaign.spent + campaign.promised;

  async function change() {
    const answer = await changing.run("POST", `/v1/campaigns/${campaign.id}/budget`, { from: campaign.budget, to });
    if (!answer) return;
    editing.close();
    if (waiting(answer)) onWait(answer);
    else again();
  }

  return (
    <>
      <Button size="small" onClick={() => { setNext(campaign.budget / 100); changing.forget(); editing.show(true); }}>{say("Change", "调整")}</Button>
      <Confirm open={editing.open} title={say("Change the budget", "调整预算")} ok={say("Change", "调整")} busy={changing.busy} failure={changing.failure}
        disabled={to < least || to === campaign.budget} onOk={() => void change()} onClose={editing.close}>
        <Form layout="vertical">
          <Form.Item label={say(`From ${yuan(campaign.budget)} to`, `由 ${yuan(campaign.budget)} 调整为`)} htmlFor="budget-to" validateStatus={to < least ? "error" : undefined}
            help={to < least ? say(`At least ${yuan(least)}: it is granted or promised.`, `至少 ${yuan(least)}（已发放或已占用）。`) : say("Above a limit a second operator has to agree.", "超过限额需第二位操作员批准。")}>
            <InputNumber id="budget-to" autoFocus prefix="¥" precision={2} min={0} value={next} onChange={setNext} controls={false} className="wide" />
          </Form.Item>
        </Form>
      </Confirm>
    </>
  );
}

function Report({ id }: { id: string }) {
  const say = useSay();
  const report = useAsk<CampaignReport>(`/v1/reports/campaigns/${id}`);
  return (
    <Shown asked={report}>{(data) => (
      <>
        <Panel title={say("What it did", "活动效果")} extra={<Csv path={`/v1/reports/campaigns/${id}?format=csv`} name={`${id}.csv`} />}>
          {data.days.length === 0 ? <Nothing>{say("It gave nothing yet.", "尚未发放。")}</Nothing> : (
            <>
              <Space size="large" wrap className="totals">
                <span>{say("Granted", "发放")} <strong>{yuan(data.total.granted)}</strong></span>
                <span>{say("Given back by refunds", "退款收回")} <strong>{yuan(data.total.returned)}</strong></span>
                <span>{say("Payments", "笔数")} <strong>{count(data.total.payments ?? 0)}</strong></span>
                <span>{say("Payers", "人数")} <strong>{count(data.total.users ?? 0)}</strong></span>
                <span>{say("First payments ever", "首次支付占比")} <strong>{percent(data.total.first_payments_share)}</strong></span>
                {data.kind === "coupon" && <span>{say("Coupons used", "核销")} <strong>{count(data.total.coupons_used ?? 0)} / {count(data.total.coupons_given ?? 0)}</strong></span>}
              </Space>
              <Suspense fallback={<Skeleton active />}>
                <Chart kind="bars" points={data.days.map((day) => ({ period: day.date, platform: day.granted_platform, funder: day.granted_funder }))}
                  series={[{ key: "platform", name: say("Platform", "平台"), color: "var(--fq-chart-1)" }, { key: "funder", name: say("Merchant", "商户"), color: "var(--fq-chart-2)" }]}
                  short={yuanShort} long={yuan} label={say("Granted on each day", "每日发放")} height={220} />
              </Suspense>
            </>
          )}
        </Panel>
        {data.holdout > 0 && (
          <Panel title={say("The experiment", "对照实验")} extra={<span className="quiet small">{say(`${percent(data.holdout)} of the payers never get it`, `${percent(data.holdout)} 用户为对照组`)}</span>}>
            {data.effect.length === 0 ? <Nothing>{say("Nobody entered it yet.", "尚无用户进入实验。")}</Nothing> : <Effects rows={data.effect} />}
          </Panel>
        )}
      </>
    )}</Shown>
  );
}

function Effects({ rows }: { rows: Effect[] }) {
  const say = useSay();
  const shown = (row: Effect, value: number) => (row.measure === "spend" ? yuan(Math.round(value)) : value.toFixed(2));
  return (
    <>
      <Table<Effect> size="small" rowKey="measure" pagination={false} dataSource={rows} scroll={{ x: 720 }} columns={[
        { title: say("A payer's", "人均"), dataIndex: "measure", render: (measure: string) => (measure === "spend" ? say("spending", "消费额") : say("payments", "支付笔数")) },
        { title: say("With it", "实验组"), align: "right", render: (_, row) => <>{shown(row, row.treated_mean)} <span className="quiet small">n={count(row.treated_users)}</span></> },
        { title: say("Control group", "对照组"), align: "right", render: (_, row) => <>{shown(row, row.control_mean)} <span className="quiet small">n={count(row.control_users)}</span></> },
        { title: say("Difference", "差异"), align: "right", render: (_, row) => <strong>{shown(row, row.difference)}</strong> },
        { title: say("95 % interval", "95% 置信区间"), align: "right", render: (_, row) => `${shown(row, row.low)} … ${shown(row, row.high)}` },
        {
          title: say("Verdict", "结论"), render: (_, row) => row.low > 0 ? say("it works", "有效") : row.high < 0 ? say("it harms", "负面") : say("no effect shown", "未见显著效果"),
        },
      ]} />
      <p className="quiet small">{say("Welch's standard error times 1.96; with few payers the interval is too narrow.", "Welch 标准误 × 1.96；人数较少时区间偏窄。")}</p>
    </>
  );
}
