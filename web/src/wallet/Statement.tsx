/** The statement, with filters; and files of it. */

import { Button } from "antd-mobile";
import { useState } from "react";
import { useSay, useSpeech } from "../desk/say";
import { usePages } from "../desk/server";
import type { Entry, EntryKind } from "../shared/api";
import { EntryRow, kindName } from "./EntryRow";
import { when } from "./format";
import { Failed, Field, Loading, Nothing, Page } from "./parts";

const KINDS: EntryKind[] = ["payment", "refund", "rebate", "top_up", "withdrawal", "transfer_out", "transfer_in", "packet_out", "packet_in"];

export default function Statement() {
  const say = useSay();
  const { language } = useSpeech();
  const [kind, setKind] = useState("");
  const [from, setFrom] = useState("");
  const [to, setTo] = useState("");
  const [q, setQ] = useState("");
  const range = new URLSearchParams(Object.entries({ from, to }).filter(([, value]) => value));
  const query = new URLSearchParams([...range, ...Object.entries({ kind, q }).filter(([, value]) => value)]);
  const entries = usePages<Entry>(`/app/wallet/entries?${query}`);
  return (
    <Page title={say("Statement", "账单")}>
      <section className="card filters" aria-label={say("Filters", "筛选")}>
        <div className="field"><label htmlFor="kind">{say("Kind", "类型")}</label>
          <select id="kind" value={kind} onChange={(event) => setKind(event.target.value)}><option value="">{say("All", "全部")}</option>{KINDS.map((each) => <option key={each} value={each}>{kindName(each, say)}</option>)}</select></div>
        <Field label={say("Text", "关键词")} value={q} onChange={setQ} />
        <Field label={say("From", "开始日期")} type="date" value={from} onChange={setFrom} />
        <Field label={say("To", "结束日期")} type="date" value={to} onChange={setTo} />
        <p><a href={`/app/wallet/export.csv?${range}`} download>CSV</a> <a href={`/app/wallet/export.pdf?${range}`} download>PDF</a></p>
      </section>
      <section className="card list">
        {entries.failure && <Failed failure={entries.failure} again={entries.again} />}
        {!entries.rows && !entries.failure && <Loading />}
        {entries.rows?.length === 0 && <Nothing>{say("Nothing here.", "暂无记录。")}</Nothing>}
        {entries.rows?.map((entry) => <EntryRow key={entry.id} entry={entry} time={when(entry.at, language)} />)}
        {entries.hasMore && <Button block loading={entries.loadingMore} onClick={() => void entries.more()}>{say("More", "更多")}</Button>}
      </section>
    </Page>
  );
}
