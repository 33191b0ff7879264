/** What the draft would do: to one payment now, and to the payments of the past. */

import { Alert, Button, DatePicker, Descriptions, Form, InputNumber, Select } from "antd";
import dayjs, { type Dayjs } from "dayjs";
import { useState } from "react";
import { useSay } from "../../desk/say";
import { useSend } from "../../desk/server";
import { count, instant, yuan } from "../format";
import { Failed, Panel } from "../parts";
import { useNames } from "../useNames";
import { benefitWords, limitWords } from "./words";
import { campaignOf, type Fields } from "./form";
import type { Check } from "./useCheck";

interface QuoteAnswer {
  payable: number;
  discounts: { campaign_id?: string; campaign: string; amount: number }[];
  rebate?: { campaign: string; amount: number };
  passed_over: { campaign: string; why: string }[];
}

interface Backtest {
  payments: number;
  reached: number;
  users: number;
  granted: number;
  granted_platform: number;
  returned: number;
  held_out: number;
  missed: number;
  budget_spent_at?: string;
}

export function Trial({ fields, check }: { fields: Fields; check: Check }) {
  const say = useSay();
  const { nameOf } = useNames();
  const { terms } = campaignOf(fields);
  const ready = check.state === "good";
  return (
    <aside className="builder-side">
      <Panel title={say("In words", "文字说明")}>
        <p><strong>{terms.name || say("Without a name", "未命名")}</strong><br />{benefitWords(terms.benefit, say)}</p>
        <p className="quiet">{limitWords(terms, nameOf, say).join(say("; ", "；"))}</p>
        {check.state === "good" && <Alert type="success" showIcon title={say("The server would take it.", "服务器检查通过。")} />}
        {check.state === "incomplete" && <p className="quiet">{say(`Still to be written: ${check.missing.length} field${check.missing.length > 1 ? "s" : ""}.`, `还有 ${check.missing.length} 项待填写。`)}</p>}
        {check.state === "bad" && <Alert type="warning" showIcon title={check.failure.message} />}
        {check.state === "unknown" && <Failed failure={check.failure} />}
      </Panel>
      <QuotePreview fields={fields} ready={ready} />
      <Past fields={fields} ready={ready} />
    </aside>
  );
}

function QuotePreview({ fields, ready }: { fields: Fields; ready: boolean }) {
  const say = useSay();
  const { merchants } = useNames();
  const [amount, setAmount] = useState<number | null>(30);
  const [merchant, setMerchant] = useState<string>();
  const [at, setAt] = useState<Dayjs | null>(null);
  const asking = useSend<QuoteAnswer>();
  const [answer, setAnswer] = useState<QuoteAnswer>();

  async function ask() {
    const quoted = await asking.run("POST", "/v1/campaigns/quote", {
      draft: campaignOf(fields), amount: Math.round((amount ?? 0) * 100), merchant_id: merchant, at: at ? `${at.format("YYYY-MM-DDTHH:mm:ss")}+08:00` : undefined,
    });
    setAnswer(quoted);
  }

  return (
    <Panel title={say("Try one payment", "试算一笔")}>
      <Form layout="vertical" size="small" onFinish={() => void ask()}>
        <div className="fields">
          <Form.Item label={say("Amount", "金额")} htmlFor="trial-amount"><InputNumber id="trial-amount" prefix="¥" precision={2} min={0.01} value={amount} onChange={setAmount} controls={false} className="wide" /></Form.Item>
          <Form.Item label={say("Merchant", "商户")} htmlFor="trial-merchant">
            <Select id="trial-merchant" value={merchant} onChange={setMerchant} allowClear showSearch={{ optionFilterProp: "label" }} placeholder={say("Any", "任意")}
              options={merchants.map((one) => ({ value: one.id, label: one.name }))} />
          </Form.Item>
        </div>
        <Form.Item label={say("When (UTC+8)", "时间（UTC+8）")} htmlFor="trial-when"><DatePicker id="trial-when" showTime={{ format: "HH:mm" }} format="YYYY-MM-DD HH:mm" value={at} onChange={setAt} placeholder={say("Now", "现在")} className="wide" /></Form.Item>
        <Button htmlType="submit" block disabled={!ready || !amount || !merchant} loading={asking.busy}>{say("What would it cost?", "试算")}</Button>
      </Form>
      {asking.failure && <Failed failure={asking.failure} />}
      {answer && (
        <Descriptions className="trial" column={1} size="small" items={[
          ...answer.discounts.map((one, place) => ({ key: `d${place}`, label: one.campaign, children: `−${yuan(one.amount)}` })),
          ...(answer.rebate ? [{ key: "rebate", label: answer.rebate.campaign, children: say(`${yuan(answer.rebate.amount)} back later`, `返 ${yuan(answer.rebate.amount)}`) }] : []),
          ...answer.passed_over.map((one, place) => ({ key: `p${place}`, label: one.campaign, children: <span className="quiet">{one.why}</span> })),
          { key: "pay", label: say("To pay", "应付"), children: <strong>{yuan(answer.payable)}</strong> },
        ]} />
      )}
    </Panel>
  );
}

function Past({ fields, ready }: { fields: Fields; ready: boolean }) {
  const say = useSay();
  const [range, setRange] = useState<[Dayjs, Dayjs]>([dayjs().subtract(30, "day"), dayjs().subtract(1, "day")]);
  const testing = useSend<Backtest>();
  const [answer, setAnswer] = useState<Backtest>();

  async function test() {
    setAnswer(undefined);
    setAnswer(await testing.run("POST", "/v1/campaigns/backtest", {
      draft: campaignOf(fields), from: range[0].format("YYYY-MM-DD"), to: range[1].format("YYYY-MM-DD"),
    }));
  }

  return (
    <Panel title={say("Test on the past", "历史回测")}>
      <DatePicker.RangePicker allowClear={false} size="small" className="wide" value={range} aria-label={say("Days", "日期")}
        onChange={(next) => { if (next?.[0] && next[1]) setRange([next[0], next[1]]); }} />
      <Button block className="trial" disabled={!ready} loading={testing.busy} onClick={() => void test()}>
        {testing.busy ? say("Going through every payment…", "正在逐笔回测…") : say("Ask every past payment", "开始回测")}
      </Button>
      {testing.failure && <Failed failure={testing.failure} />}
      {answer && (
        <>
          <Descriptions className="trial" column={1} size="small" items={[
            { key: "reached", label: say("Payments reached", "覆盖笔数"), children: `${count(answer.reached)} / ${count(answer.payments)}` },
            { key: "users", label: say("Payers", "人数"), children: count(answer.users) },
            { key: "granted", label: say("It would have given", "将发放"), children: <strong>{yuan(answer.granted)}</strong> },
            { key: "platform", label: say("The platform's part", "平台承担"), children: yuan(answer.granted_platform) },
            { key: "returned", label: say("Back by refunds", "退款收回"), children: yuan(answer.returned) },
            { key: "held", label: say("Control group", "对照组"), children: count(answer.held_out) },
            { key: "missed", label: say("Missed for want of budget", "因预算未覆盖"), children: count(answer.missed) },
          ]} />
          {answer.budget_spent_at && <Alert type="warning" showIcon title={say(`The budget would be spent at ${instant(answer.budget_spent_at)}.`, `预算将于 ${instant(answer.budget_spent_at)} 用尽。`)} />}
          <p className="quiet small">{say("Shoppers are taken to have paid as they did: what it is for, that they pay more, is not in it.", "假定顾客行为不变，未计入活动带来的增量。")}</p>
        </>
      )}
    </Panel>
  );
}
