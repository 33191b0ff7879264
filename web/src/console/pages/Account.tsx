/** An account's entries, newest first. */

import { Button, Table } from "antd";
import { href } from "../../desk/route";
import { useSay } from "../../desk/say";
import { usePages } from "../../desk/server";
import { count } from "../format";
import { AccountLink, Amount, At, Nothing, Page, Panel, Ref, Shown } from "../parts";
import type { Posting } from "../types";

export default function Account({ id }: { id: string }) {
  const say = useSay();
  const postings = usePages<Posting>(`/v1/ledger/accounts/${encodeURIComponent(id)}/entries?limit=50`);
  return (
    <Page title={id} lead={<><a href={href("ledger")}>{say("Ledger", "总账")}</a> / {say("entries", "分录")}</>}>
      <Panel flush>
        <Shown asked={postings}>{() => (
          <>
            <Table<Posting> size="small" rowKey={(row) => `${row.event} ${row.debit ?? ""} ${row.credit ?? ""} ${row.amount}`} dataSource={postings.rows} pagination={false} scroll={{ x: 720 }}
              locale={{ emptyText: <Nothing>{say("Nothing was posted here yet.", "暂无分录")}</Nothing> }} columns={[
                { title: say("Event", "事件"), dataIndex: "event", render: count },
                { title: say("Time", "时间"), dataIndex: "at", render: (at: string) => <At time={at} /> },
                { title: say("What", "类型"), dataIndex: "kind" },
                { title: say("Against", "对方账户"), render: (_, row) => <AccountLink id={row.debit === id ? row.credit : row.debit} /> },
                { title: say("Order", "订单"), dataIndex: "order_id", render: (order?: string) => <Ref id={order} /> },
                { title: say("Debit", "借方"), align: "right", render: (_, row) => row.debit === id && <Amount fen={row.amount} /> },
              { title: say("Credit", "贷方"), align: "right", render: (_, row) => row.credit === id && <Amount fen={row.amount} /> },
              ]} />
            {postings.hasMore && <div className="more"><Button loading={postings.loadingMore} onClick={() => void postings.more()}>{say("More", "更多")}</Button></div>}
          </>
        )}</Shown>
      </Panel>
    </Page>
  );
}
