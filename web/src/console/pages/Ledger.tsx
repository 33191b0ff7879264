/** The books: every account, and that debits are credits; ways to an account's entries and to an order's story. */

import { Button, Form, Input, Table } from "antd";
import { useState } from "react";
import { go } from "../../desk/route";
import { useSay } from "../../desk/say";
import { useAsk } from "../../desk/server";
import { count, yuan } from "../format";
import { AccountLink, Nothing, Page, Panel, Shown, Waits } from "../parts";
import type { AccountBalance, Approval, TrialBalance } from "../types";
import { OwnMoney } from "./OwnMoney";

export default function Ledger() {
  const say = useSay();
  const balance = useAsk<TrialBalance>("/v1/ledger/trial-balance");
  const [wrong, setWrong] = useState<string>();
  const [approval, setApproval] = useState<Approval>();

  function open(text: string) {
    const id = text.trim();
    if (/^ord_\d+$/.test(id)) return go("ledger", "orders", id);
    if (/^usr_\d+$/.test(id)) return go("users", id);
    if (/^mch_\d+$/.test(id)) return go("merchants", id);
    if (/^[a-z_]+-\d+$/.test(id)) return go("ledger", "accounts", id);
    setWrong(say("An order (ord_…), a user (usr_…), a merchant (mch_…) or an account (wallet-3).", "请输入订单 ord_…、用户 usr_…、商户 mch_… 或账户 wallet-3"));
  }

  return (
    <Page title={say("Ledger", "总账")} lead={say("Every fen stands twice. What is shown is what is durable.", "每一分钱都有借有贷；所示均已落盘。")}
      actions={<><OwnMoney onDone={balance.again} onWait={setApproval} /><Button loading={balance.loading} onClick={balance.again}>{say("Refresh", "刷新")}</Button></>}>
      {approval && <Waits approval={approval} onClose={() => setApproval(undefined)} />}
      <Form layout="vertical" className="filters">
        <Form.Item label={say("Open an order, user, merchant or account", "打开订单、用户、商户或账户")} htmlFor="open" validateStatus={wrong ? "error" : undefined} help={wrong}>
          <Input.Search id="open" placeholder="ord_1379 · wallet-3" enterButton={say("Open", "打开")} onChange={() => setWrong(undefined)} onSearch={open} />
        </Form.Item>
      </Form>
      <Panel flush title={say("Trial balance", "试算平衡")}>
        <Shown asked={balance}>{(trial) => (
          <Table<AccountBalance> size="small" rowKey="account" dataSource={trial.data} pagination={false} scroll={{ x: 640 }} locale={{ emptyText: <Nothing>{say("No account was used yet.", "暂无账户")}</Nothing> }}
            columns={[
              { title: say("Account", "账户"), render: (_, row) => <AccountLink id={row.account}>{row.name}</AccountLink> },
              { title: say("Kind", "类别"), dataIndex: "kind" },
              { title: say("Debit", "借方"), dataIndex: "debit", align: "right", render: (fen: number) => (fen ? yuan(fen) : "") },
              { title: say("Credit", "贷方"), dataIndex: "credit", align: "right", render: (fen: number) => (fen ? yuan(fen) : "") },
            ]}
            summary={() => (
              <Table.Summary.Row>
                <Table.Summary.Cell index={0} colSpan={2}>
                  <strong className={trial.debit === trial.credit ? "balanced" : "unbalanced"}>
                    {trial.debit === trial.credit ? say("✓ Balanced", "✓ 借贷平衡") : say("✗ Not balanced: stop and audit", "✗ 借贷不平：请立即核查")}
                  </strong> <span className="quiet small">{say(`after ${count(trial.events)} events`, `截至 ${count(trial.events)} 个事件`)}</span>
                </Table.Summary.Cell>
                <Table.Summary.Cell index={2} align="right"><strong>{yuan(trial.debit)}</strong></Table.Summary.Cell>
                <Table.Summary.Cell index={3} align="right"><strong>{yuan(trial.credit)}</strong></Table.Summary.Cell>
              </Table.Summary.Row>
            )} />
        )}</Shown>
      </Panel>
    </Page>
  );
}
