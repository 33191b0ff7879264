/** Who did what, and who read whose data. Nothing here can be changed. */

import { Alert, Button, Form, Input, Table, Tag } from "antd";
import { useState } from "react";
import { useSay } from "../../desk/say";
import { useAsk, usePages } from "../../desk/server";
import { count } from "../format";
import { At, Failed, Nothing, Page, Panel, Ref, Shown } from "../parts";
import type { AuditCheck, AuditEntry } from "../types";
import { deed } from "./deeds";

export default function Audit() {
  const say = useSay();
  const [filters, setFilters] = useState<{ by?: string; subject?: string }>({});
  const query = new URLSearchParams(Object.entries(filters).filter(([, text]) => text) as [string, string][]);
  const entries = usePages<AuditEntry>(`/v1/audit?${query}${query.size ? "&" : ""}limit=50`);
  return (
    <Page title={say("Audit trail", "审计记录")} lead={say("What operators did and whose data they read. Users see the reads of their own.", "操作员的操作与数据查看记录；用户可见与本人相关的查看。")}>
      <Form layout="vertical" className="filters" onFinish={setFilters}>
        <Form.Item name="by" label={say("Operator", "操作员")}><Input allowClear placeholder="operator" /></Form.Item>
        <Form.Item name="subject" label={say("About", "对象")}><Input allowClear placeholder="usr_0" /></Form.Item>
        <Form.Item><Button htmlType="submit">{say("Filter", "筛选")}</Button></Form.Item>
        <Form.Item><Whole /></Form.Item>
      </Form>
      <Panel flush>
        <Shown asked={entries}>{() => (
          <>
            <Table<AuditEntry> size="small" rowKey="id" dataSource={entries.rows} pagination={false} scroll={{ x: 640 }} locale={{ emptyText: <Nothing>{say("Nothing fits.", "暂无记录")}</Nothing> }} columns={[
              { title: say("Time", "时间"), dataIndex: "at", render: (at: string) => <At time={at} /> },
              { title: say("Operator", "操作员"), dataIndex: "by" },
              { title: say("Did", "操作"), dataIndex: "what", render: (what: string, row) => <>{deed(what, say)} {row.status >= 300 && <Tag color="error">{say(`refused, ${row.status}`, `被拒绝 ${row.status}`)}</Tag>}</> },
              { title: say("About", "对象"), dataIndex: "subject", render: (id?: string) => <Ref id={id} /> },
              { title: say("Why", "原因"), dataIndex: "why", render: (text?: string) => text ?? "–" },
            ]} />
            {entries.hasMore && <div className="more"><Button loading={entries.loadingMore} onClick={() => void entries.more()}>{say("More", "更多")}</Button></div>}
          </>
        )}</Shown>
      </Panel>
    </Page>
  );
}

/** Follows the chain of hashes from the first entry to the last. */
function Whole() {
  const say = useSay();
  const [asking, setAsking] = useState(false);
  const check = useAsk<AuditCheck>(asking ? "/v1/audit/check" : undefined);
  if (!asking) return <Button onClick={() => setAsking(true)}>{say("Is it whole?", "检查完整性")}</Button>;
  if (check.failure) return <Failed failure={check.failure} again={check.again} />;
  if (!check.data) return <Button loading>{say("Reading all of it…", "正在逐条核对…")}</Button>;
  const { entries, hash, broken_at } = check.data;
  return broken_at
    ? <Alert type="error" showIcon title={say(`✗ ${broken_at} is not what was written`, `✗ ${broken_at} 已被改动`)} />
    : <Alert type="success" showIcon title={say(`Whole: ${count(entries)} entries, the last is ${hash.slice(0, 12)}…`, `完整：共 ${count(entries)} 条，末条 ${hash.slice(0, 12)}…`)} />;
}
