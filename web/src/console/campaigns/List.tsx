/** All campaigns, newest first. */

import { Button, Progress, Table } from "antd";
import { useSay } from "../../desk/say";
import { percent, yuan } from "../format";
import { Failed, Nothing, Page, Panel, Status } from "../parts";
import { go, href } from "../../desk/route";
import { usePages } from "../../desk/server";
import type { Campaign } from "../types";
import { useNames } from "../useNames";
import { benefitWords, fundingWords, kindWord } from "./words";
import { dayOf } from "../format";

export default function List() {
  const say = useSay();
  const { nameOf } = useNames();
  const campaigns = usePages<Campaign>("/v1/campaigns?limit=50");
  return (
    <Page title={say("Campaigns", "营销活动")} lead={say("Discounts, coupons and rebates from budgets that nothing crosses.", "预算封顶的立减、优惠券与返现。")}
      actions={<Button type="primary" onClick={() => go("campaigns", "new")}>{say("New campaign", "新建活动")}</Button>}>
      {campaigns.failure && <Failed failure={campaigns.failure} again={campaigns.again} />}
      <Panel flush>
        <Table<Campaign> rowKey="id" dataSource={campaigns.rows} loading={campaigns.loading} pagination={false} scroll={{ x: 860 }}
          locale={{ emptyText: <Nothing>{say("No campaign yet.", "暂无活动")}</Nothing> }} columns={[
            {
              title: say("Campaign", "活动"), render: (_, row) => (
                <><a href={href("campaigns", row.id)}><strong>{row.terms.name}</strong></a>
                  <div className="quiet small">{row.id} · {kindWord(row.terms.kind, say)} · {benefitWords(row.terms.benefit, say)}</div></>
              ),
            },
            { title: say("Status", "状态"), dataIndex: "status", render: (status: string) => <Status of={status} /> },
            { title: say("Funding", "出资"), render: (_, row) => fundingWords(row.terms.funding, nameOf, say) },
            { title: say("Time", "时间"), render: (_, row) => <span className="at">{dayOf(row.terms.from)} – {dayOf(row.terms.until)}</span> },
            {
              title: say("Budget", "预算"), width: 210, render: (_, row) => {
                const used = row.budget ? (row.spent + row.promised) / row.budget : 0;
                return (
                  <div title={`${yuan(row.spent)} + ${yuan(row.promised)}`}>
                    <Progress percent={Math.round(used * 1000) / 10} size="small" status={used >= 1 ? "exception" : "normal"}
                      aria-label={say("Budget used", "已用预算")} />
                    <div className="quiet small">{say(`${yuan(row.left)} of ${yuan(row.budget)} left`, `剩余 ${yuan(row.left)} / ${yuan(row.budget)}`)}
                      {row.terms.holdout_bps ? ` · ${say("control", "对照")} ${percent(row.terms.holdout_bps, 0)}` : ""}</div>
                  </div>
                );
              },
            },
          ]} />
        {campaigns.hasMore && <div className="more"><Button loading={campaigns.loadingMore} onClick={() => void campaigns.more()}>{say("More", "更多")}</Button></div>}
      </Panel>
    </Page>
  );
}
