/** Who did what, and who read whose data. Nothing here can be changed. */

import { Button, Form, Input, Table } from "antd";
import { useState } from "react";
import { useSay } from "../../desk/say";
import { usePages } from "../../desk/server";
import { At, Nothing, Page, Panel, Ref, Shown } from "../parts";
import type { AuditEntry } from "../types";

export default function Audit() {
  const say = useSay();
  const [filters, setFilters] = useState<{ by?: string; subject?: string }>({});
  const query = new URLSearchParams(Object.entries(filters).filter(([, text]) => text) as [string, string][]);
  const entries = usePages<AuditEntry>(`/v1/audit?${query}${query.size ? "&" : ""}limit=50`);
  return (
    <Page title={say("Audit trail", "审计记录")} lead={say("What operators did and whose data they read. Users see the reads of their own.", "操作员的操作与数据查看记录；用户可见与本人相关的查看。")}>
      <Form layout="inline" className="filters" onFinish={setFilters}>
        <Form.Item name="by" label={say("Operator", "操作员")}><Input allowClear placeholder="operator" /></Form.Item>
        <Form.Item name="subject" label={say("About", "对象")}><Input allowClear placeholder="usr_0" /></Form.Item>
        <Button htmlType="submit">{say("Filter", "筛选")}</Button>
      </Form>
      <Panel flush>
        <Shown asked={entries}>{() => (
          <>
            <Table<AuditEntry> size="small" rowKey="id" dataSource={entries.rows} pagination={false} scroll={{ x: 640 }} locale={{ emptyText: <Nothing>{say("Nothing fits.", "暂无记录")}</Nothing> }} columns={[
              { title: say("Time", "时间"), dataIndex: "at", render: (at: string) => <At time={at} /> },
              { title: say("Operator", "操作员"), dataIndex: "by" },
              { title: say("Did", "操作"), dataIndex: "what" },
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
