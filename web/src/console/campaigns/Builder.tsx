/** Making a campaign: every field is judged by the server while one writes; what is half written survives a reload. */

import { Button, Checkbox, Collapse, DatePicker, Form, Input, InputNumber, Radio, Select, Space, Steps } from "antd";
import dayjs, { type Dayjs } from "dayjs";
import { useEffect, useState, type KeyboardEvent } from "react";
import { useSay } from "../../desk/say";
import { instant } from "../format";
import { Failed, Page, Panel } from "../parts";
import { go } from "../../desk/route";
import { useDraft, useSend } from "../../desk/server";
import type { Campaign } from "../types";
import { useNames } from "../useNames";
import { EMPTY, campaignOf, fieldAt, type Fields } from "./form";
import { Rule } from "./Rule";
import { Trial } from "./Trial";
import { useCheck } from "./useCheck";

/** Times of the builder are those of the platform's clock, wherever the operator sits. */
const asTime = {
  getValueProps: (value?: string) => ({ value: value ? dayjs(instant(value).replace(" ", "T")) : undefined }),
  normalize: (value?: Dayjs | null) => (value ? `${value.format("YYYY-MM-DDTHH:mm:ss")}+08:00` : undefined),
};

/** Enter in a field ends the field, not the whole form. */
function keepEnter(event: KeyboardEvent) {
  if (event.key === "Enter" && event.target instanceof HTMLInputElement) event.preventDefault();
}

function Yuan({ name, label, required, extra }: { name: keyof Fields | (string | number)[]; label: string; required?: boolean; extra?: string }) {
  const say = useSay();
  return (
    <Form.Item name={name} label={label} extra={extra}
      rules={[{ required, message: say("An amount is needed.", "请填写金额") }, { type: "number", min: 0.01, message: say("At least 0.01.", "至少 0.01") }]}>
      <InputNumber prefix="¥" precision={2} min={0} max={9_999_999_999} controls={false} inputMode="decimal" className="wide" />
    </Form.Item>
  );
}

function Whole({ name, label, min = 1, max, extra }: { name: keyof Fields; label: string; min?: number; max?: number; extra?: string }) {
  return (
    <Form.Item name={name} label={label} extra={extra}>
      <InputNumber precision={0} min={min} max={max} controls={false} inputMode="numeric" className="wide" />
    </Form.Item>
  );
}

export default function Builder() {
  const say = useSay();
  const { brands, merchants } = useNames();
  const [fields, keep, drop] = useDraft<Fields>("campaign", EMPTY);
  const [form] = Form.useForm<Fields>();
  const [touched, setTouched] = useState<Set<string>>(new Set());
  const check = useCheck(fields);
  const adding = useSend<Campaign>();

  const merchantOptions = merchants.map((merchant) => ({ value: merchant.id, label: `${merchant.name} (${merchant.id})` }));
  const fault = adding.failure ?? (check.state === "bad" ? check.failure : undefined);
  const at = fieldAt(fault?.param);
  const beside = at && (adding.failure || touched.has(at) || at === "rule") ? at : undefined;

  // What the server says of a field stands beside that field.
  useEffect(() => {
    if (!beside || !fault) return;
    form.setFields([{ name: beside, errors: [fault.message] }]);
    return () => form.setFields([{ name: beside, errors: [] }]);
  }, [beside, fault, form]);

  async function submit() {
    const added = await adding.run("POST", "/v1/campaigns", campaignOf(fields));
    if (!added) return;
    drop();
    go("campaigns", added.id);
  }

  function clear() {
    keep(EMPTY);
    form.setFieldsValue({ ...Object.fromEntries(Object.keys(fields).map((key) => [key, undefined])), ...EMPTY });
    setTouched(new Set());
  }

  return (
    <Page title={say("New campaign", "新建活动")} lead={say("It begins as a draft. Another operator approves it; then it can start.", "先保存为草稿，由另一位操作员批准后方可启动。")}
      actions={<Button onClick={clear}>{say("Clear", "清空")}</Button>}>
      <Steps size="small" className="steps" current={0} items={[
        { title: say("Draft", "草稿") }, { title: say("Approved by a second operator", "第二位操作员批准") }, { title: say("Running", "进行中") },
      ]} />
      <div className="builder">
        <Form<Fields> form={form} layout="vertical" initialValues={fields} scrollToFirstError onKeyDown={keepEnter} onFinish={() => void submit()}
          onValuesChange={(changed, all) => {
            adding.forget();
            setTouched((before) => new Set([...before, ...Object.keys(changed)]));
            keep({ ...fields, ...all });
          }}>
          <Panel title={say("What the public sees", "对外展示")}>
            <Form.Item name="name" label={say("Name", "名称")} rules={[{ required: true, whitespace: true, message: say("A name is needed.", "请填写名称") }]}>
              <Input maxLength={64} showCount placeholder={say("Three yuan off at weekday lunches", "工作日午餐立减")} />
            </Form.Item>
            <Form.Item name="kind" label={say("How it reaches the payer", "优惠方式")}>
              <Radio.Group optionType="button" options={[
                { value: "discount", label: say("Discount", "立减") }, { value: "coupon", label: say("Coupon", "优惠券") }, { value: "rebate", label: say("Rebate", "返现") },
              ]} />
            </Form.Item>
            {fields.kind === "rebate" && (
              <Whole name="wait_days" min={0} max={180} label={say("Days that it waits", "等待天数")} extra={say("A refund meanwhile takes it away. 0: at once.", "等待期内退款则收回；0 为立即到账。")} />
            )}
            {fields.kind === "coupon" && (
              <>
                <Form.Item name="coupons_how" label={say("How shoppers come to one", "领取方式")}>
                  <Select options={[
                    { value: "claimed", label: say("Every shopper may claim one", "所有人可领取") }, { value: "sent", label: say("Sent by operators, or unique codes", "由操作员发放或使用唯一券码") },
                    { value: "code", label: say("With a word that many know", "使用公开口令") }, { value: "earned", label: say("Earned by a payment", "消费后赠送") },
                  ]} />
                </Form.Item>
                {fields.coupons_how === "code" && (
                  <Form.Item name="coupons_code" label={say("The word", "口令")} normalize={(text: string) => text.toUpperCase()}
                    rules={[{ pattern: /^[0-9A-Z]{4,16}$/, required: true, message: say("4 to 16 letters A–Z and digits.", "4 到 16 位大写字母或数字") }]}>
                    <Input maxLength={16} />
                  </Form.Item>
                )}
                {fields.coupons_how === "earned" && <Yuan name="coupons_after" required label={say("After a payment of at least", "消费满")} />}
                <div className="fields">
                  <Whole name="coupons_most" label={say("Coupons in all", "发放总数")} />
                  <Whole name="coupons_per_user" label={say("For each payer", "每人限领")} />
                  <Whole name="coupons_days" max={365} label={say("Good for days", "有效天数")} extra={say("Empty: until the campaign ends.", "不填则至活动结束。")} />
                </div>
              </>
            )}
          </Panel>

          <Panel title={say("What it gives", "优惠内容")}>
            <Form.Item name="benefit">
              <Radio.Group optionType="button" aria-label={say("What it gives", "优惠内容")} options={[
                { value: "fixed", label: say("A fixed amount", "固定金额") }, { value: "percent", label: say("A share", "按比例") },
                { value: "random", label: say("By chance", "随机") }, { value: "tiers", label: say("Spend and get", "满减阶梯") },
              ]} />
            </Form.Item>
            {fields.benefit === "fixed" && <Yuan name="fixed" required label={say("This much", "金额")} />}
            {fields.benefit === "percent" && (
              <div className="fields">
                <Form.Item name="percent" label={say("Share of the amount", "比例")} rules={[{ required: true, message: say("A share is needed.", "请填写比例") }]}>
                  <InputNumber suffix="%" min={0.01} max={100} precision={2} controls={false} className="wide" />
                </Form.Item>
                <Yuan name="cap" required label={say("At most", "最多")} />
              </div>
            )}
            {fields.benefit === "random" && (
              <div className="fields">
                <Yuan name="least" required label={say("At least", "最少")} /><Yuan name="most" required label={say("At most", "最多")} />
                <Yuan name="mean" required label={say("On average", "平均")} />
              </div>
            )}
            {fields.benefit === "tiers" && (
              <Form.List name="tiers">
                {(rows, { add, remove }) => (
                  <>
                    {rows.map((row) => (
                      <div className="fields tier" key={row.key}>
                        <Yuan name={[row.name, "spend"]} required label={say("Spend", "满")} /><Yuan name={[row.name, "get"]} required label={say("Get", "减")} />
                        <Button type="text" danger disabled={rows.length < 2} onClick={() => remove(row.name)}>{say("Remove", "删除")}</Button>
                      </div>
                    ))}
                    <Button type="dashed" disabled={rows.length > 7} onClick={() => add({})}>{say("Add a step", "添加一档")}</Button>
                  </>
                )}
              </Form.List>
            )}
          </Panel>

          <Panel title={say("When, and for how much", "时间与预算")}>
            <div className="fields">
              <Form.Item name="from" label={say("From (UTC+8)", "开始（UTC+8）")} {...asTime} rules={[{ required: true, message: say("A beginning is needed.", "请选择开始时间") }]}>
                <DatePicker showTime={{ format: "HH:mm" }} format="YYYY-MM-DD HH:mm" className="wide" />
              </Form.Item>
              <Form.Item name="until" label={say("Until (UTC+8)", "结束（UTC+8）")} {...asTime} rules={[{ required: true, message: say("An end is needed.", "请选择结束时间") }]}>
                <DatePicker showTime={{ format: "HH:mm" }} format="YYYY-MM-DD HH:mm" className="wide" />
              </Form.Item>
              <Yuan name="budget" required label={say("Budget", "预算")} extra={say("Never crossed. It can be changed later.", "永不超支，之后可调整。")} />
            </div>
            <Form.Item name="funding" label={say("Who pays", "出资方")}>
              <Radio.Group optionType="button" options={[
                { value: "platform", label: say("The platform", "平台") }, { value: "merchant", label: say("A merchant", "商户") },
                { value: "shared", label: say("Both", "共同") }, { value: "outside", label: say("Honoured outside", "线下核销") },
              ]} />
            </Form.Item>
            {fields.funding !== "platform" && (
              <div className="fields">
                <Form.Item name="funder" label={say("Merchant", "商户")} rules={[{ required: true, message: say("Choose a merchant.", "请选择商户") }]}>
                  <Select showSearch={{ optionFilterProp: "label" }} options={merchantOptions} />
                </Form.Item>
                {fields.funding === "shared" && (
                  <Form.Item name="platform_percent" label={say("The platform's share", "平台比例")} rules={[{ required: true, message: say("A share is needed.", "请填写比例") }]}>
                    <InputNumber suffix="%" min={0} max={100} precision={2} controls={false} className="wide" />
                  </Form.Item>
                )}
              </div>
            )}
          </Panel>

          <Panel title={say("Who, and which payments", "对象与规则")} extra={<RuleState check={check} rule={fields.rule} at={at} />}>
            <Form.Item name="rule" label={say("Rule", "规则")} extra={say("CEL over whole numbers. Empty: every payment.", "整数 CEL 表达式；不填则适用于全部支付。")}>
              <Rule />
            </Form.Item>
            <div className="fields">
              <Form.Item name="brand_id" label={say("Payers of one brand only", "仅限品牌")}>
                <Select allowClear options={brands.map((brand) => ({ value: brand.id, label: brand.name }))} placeholder={say("All brands", "全部品牌")} />
              </Form.Item>
              <Form.Item name="merchant_ids" label={say("At these merchants only", "仅限商户")}>
                <Select mode="multiple" options={merchantOptions} showSearch={{ optionFilterProp: "label" }} placeholder={say("All merchants", "全部商户")} maxTagCount="responsive" />
              </Form.Item>
              <Yuan name="minimum" label={say("Smallest order", "最低订单金额")} />
            </div>
          </Panel>

          <Collapse className="panel-collapse" items={[{
            key: "limits", label: say("Limits, control group and more", "限额、对照组等"), forceRender: true, children: (
              <>
                <div className="fields">
                  <Yuan name="per_day" label={say("Most in one day", "每日上限")} /><Yuan name="per_payment" label={say("Most for one payment", "单笔上限")} />
                  <Whole name="users" label={say("Payers at most", "最多人数")} />
                </div>
                <div className="fields">
                  <Whole name="times" label={say("Times for each payer", "每人次数")} /><Whole name="times_a_day" label={say("Times a day for each", "每人每日次数")} />
                  <Yuan name="per_user_amount" label={say("Most for each payer", "每人金额上限")} />
                </div>
                <div className="fields">
                  <Form.Item name="holdout_percent" label={say("Control group", "对照组")} extra={say("Payers who never get it, for comparison.", "永不获得优惠的用户，用于比较效果。")}>
                    <InputNumber suffix="%" min={0} max={50} precision={2} controls={false} className="wide" />
                  </Form.Item>
                  <Whole name="group" min={0} max={65535} label={say("Group", "分组")} extra={say("At most one of a group applies.", "同组优惠不叠加。")} />
                </div>
                <Form.Item name="by_person" valuePropName="checked"><Checkbox>{say("All accounts of one person count as one payer", "同一人的多个账户合并计算")}</Checkbox></Form.Item>
                <Form.Item name="tell" valuePropName="checked"><Checkbox>{say("When the budget is spent, tell the payer before the full price is paid", "预算用尽时，付款前告知用户")}</Checkbox></Form.Item>
              </>
            ),
          }]} />

          {adding.failure && !beside && <Failed failure={adding.failure} />}
          <Space className="submit">
            <Button type="primary" htmlType="submit" size="large" loading={adding.busy}>{say("Save as a draft", "保存为草稿")}</Button>
            <span className="quiet small">{say("What you write is kept in this tab.", "填写内容会保存在此标签页中。")}</span>
          </Space>
        </Form>
        <Trial fields={fields} check={check} />
      </div>
    </Page>
  );
}

function RuleState({ check, rule, at }: { check: ReturnType<typeof useCheck>; rule?: string; at?: string }) {
  const say = useSay();
  if (!rule?.trim()) return null;
  const text = check.state === "bad" && at === "rule" ? say("✗ The rule cannot be used", "✗ 规则有误")
    : check.state === "waiting" ? say("… checking", "… 检查中") : check.state === "unknown" ? "" : say("✓ The rule can be used", "✓ 规则有效");
  return <span role="status" className={`rule-state ${check.state === "bad" && at === "rule" ? "bad" : "good"}`}>{text}</span>;
}
