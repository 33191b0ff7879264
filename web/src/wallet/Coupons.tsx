/** Coupons of this person. */

import { useSay, useSpeech } from "../desk/say";
import { usePages } from "../desk/server";
import type { Coupon } from "../shared/api";
import { when } from "./format";
import { Failed, Loading, Nothing, Page } from "./parts";

export default function Coupons() {
  const say = useSay();
  const { language } = useSpeech();
  const coupons = usePages<Coupon>("/app/wallet/coupons");
  const texts = { open: say("ready", "可使用"), used: say("used", "已使用"), expired: say("expired", "已过期"), void: say("void", "已作废") };
  return (
    <Page title={say("Coupons", "卡券")}>
      {coupons.failure && <Failed failure={coupons.failure} again={coupons.again} />}
      {!coupons.rows && !coupons.failure && <Loading />}
      {coupons.rows?.length === 0 && <Nothing>{say("No coupons now. Shops and campaigns give them.", "暂无卡券。商家活动会发放卡券。")}</Nothing>}
      {coupons.rows?.map((each) => (
        <section key={each.id} className="card coupon" data-status={each.status}>
          <div><strong>{each.name}</strong><p>{each.words}</p><small>{each.shop && `${each.shop} · `}{say("until", "有效期至")} {when(each.valid_to, language)}</small></div><b>{texts[each.status]}</b>
        </section>
      ))}
    </Page>
  );
}
