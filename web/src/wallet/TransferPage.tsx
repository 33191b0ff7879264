/** One transfer: where it is, and taking it back while that is possible. */

import { Button } from "antd-mobile";
import { useRoute } from "../desk/route";
import { useSay, useSpeech } from "../desk/say";
import { useAsk } from "../desk/server";
import type { Transfer } from "../shared/api";
import { useHolder } from "./App";
import { when, yuan } from "./format";
import { Answer, Failed, Loading, Page } from "./parts";
import { useCommand } from "./server";

export default function TransferPage() {
  const say = useSay();
  const { language } = useSpeech();
  const { news } = useHolder();
  const [, id = ""] = useRoute();
  const transfer = useAsk<Transfer>(`/app/wallet/transfers/${id}`, [news]);
  const back = useCommand<Transfer>();
  const it = transfer.data;
  if (!it) return <Page title={say("Transfer", "转账")}>{transfer.failure ? <Failed failure={transfer.failure} again={transfer.again} /> : <Loading />}</Page>;
  const texts = { waiting: say("On its way", "等待到账"), arrived: say("Arrived", "已到账"), taken_back: say("Taken back", "已撤回"), returned: say("Came back", "已退回") };
  return (
    <Page title={say("Transfer", "转账")}>
      <section className="card price" role="status">
        <p>{it.other}</p><output>{yuan(it.amount)}</output><strong data-status={it.status}>{texts[it.status]}</strong>
        {it.message && <small>{it.message}</small>}
        {it.status === "waiting" && it.due_at && <small>{say("until", "截止")} {when(it.due_at, language)}</small>}
      </section>
      <Answer command={back} />
      {it.can_take_back && <Button block size="large" loading={back.busy} onClick={() => void back.run(`/app/wallet/transfers/${id}/take-back`).then(transfer.again)}>{say("Take it back", "撤回")}</Button>}
    </Page>
  );
}
