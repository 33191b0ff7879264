/** Finding a user without reading who it is: lists show masked data only. */

import { Button, Form, Input, Table } from "antd";
import { useState } from "react";
import { go, href } from "../../desk/route";
import { useSay } from "../../desk/say";
import { usePages } from "../../desk/server";
import { Failed, Nothing, Page, Panel, Status } from "../parts";
import type { UserRow } from "../types";
import { useNames } from "../useNames";

export default function Users() {
  const say = useSay();
  const { nameOf } = useNames();
  const [asked, setAsked] = useState("");
  const users = usePages<UserRow>(asked ? `/v1/users?q=${encodeURIComponent(asked)}&limit=30` : undefined);

  function search(text: string) {
    const plain = text.trim();
    if (/^usr_\d+$/.test(plain)) return go("users", plain);
    setAsked(plain);
  }

  return (
    <Page title={say("Users", "用户")} lead={say("Search by id, handle, or the last four digits of a phone number. Reading who somebody is needs a reason and is shown to that person.", "按用户编号、用户名或手机号后四位搜索。查看个人信息需填写原因，并会告知本人。")}>
      <Form layout="inline" className="filters" onFinish={({ q }: { q?: string }) => search(q ?? "")}>
        <Form.Item name="q" label={say("Search", "搜索")}><Input.Search allowClear enterButton={say("Search", "搜索")} placeholder="usr_0 · mei · 8000" onSearch={search} /></Form.Item>
      </Form>
      {users.failure && <Failed failure={users.failure} again={users.again} />}
      <Panel flush>
        <Table<UserRow> rowKey="id" dataSource={users.rows} loading={users.loading} pagination={false} scroll={{ x: 640 }}
          locale={{ emptyText: <Nothing>{asked ? say("Nobody fits.", "没有匹配的用户") : say("Type what you know of the user.", "请输入已知的用户信息")}</Nothing> }} columns={[
            { title: say("User", "用户"), dataIndex: "id", render: (id: string) => <a href={href("users", id)}><code>{id}</code></a> },
            { title: say("Name", "姓名"), dataIndex: "name_masked", render: (text?: string) => text ?? "–" },
            { title: say("Phone", "手机"), dataIndex: "phone_masked", render: (text?: string) => text ?? "–" },
            { title: say("Brand", "品牌"), dataIndex: "brand_id", render: nameOf },
            { title: say("Tier", "实名等级"), dataIndex: "tier" },
            { title: say("Status", "状态"), dataIndex: "status", render: (status: string) => <Status of={status} /> },
          ]} />
        {users.hasMore && <div className="more"><Button loading={users.loadingMore} onClick={() => void users.more()}>{say("More", "更多")}</Button></div>}
      </Panel>
    </Page>
  );
}
