/** Where a rule is written: coloured as one types, with the variables at hand, and judged by the server's own compiler. */

import { Button, Tooltip } from "antd";
import { useRef } from "react";
import { useSay } from "../../desk/say";

const VARIABLES: [name: string, en: string, zh: string][] = [
  ["amount", "the order's amount, fen", "订单金额（分）"],
  ["hour", "0 to 23, UTC+8", "0 到 23 点（UTC+8）"],
  ["weekday", "1 to 7, or MONDAY … SUNDAY", "1 到 7，或 MONDAY … SUNDAY"],
  ["category", "of the merchant, ISO 18245", "商户类别（ISO 18245）"],
  ["merchant", "the number in mch_0", "商户编号（mch_0 中的数字）"],
  ["brand", "the number in brd_0", "品牌编号（brd_0 中的数字）"],
  ["funding", "WALLET", "资金来源：WALLET"],
  ["tier", "BASIC, VERIFIED, FULL", "实名等级：BASIC、VERIFIED、FULL"],
  ["age_days", "days since the payer was added", "用户注册天数"],
  ["first_payment", "true if the payer never paid before", "是否首次支付"],
  ["payments_30d", "the payer's payments in 30 days", "近 30 天支付次数"],
  ["spend_30d", "and their fen", "近 30 天支付金额（分）"],
  ["city", "as tagged; 0 for none", "城市标签，0 为无"],
  ["segment", "as tagged; 0 for none", "人群标签，0 为无"],
];
const CONSTANTS = /^(?:MON|TUES|WEDNES|THURS|FRI|SATUR|SUN)DAY$|^(?:BASIC|VERIFIED|FULL|WALLET|true|false|in)$/;
const TOKEN = /([A-Za-z_]\w*)|(\d+)|(&&|\|\||[<>=!]=|[-+*/%<>!?:])|([\s\S])/g;

function toneOf(word: string | undefined, digits: string | undefined, operator: string | undefined): string | undefined {
  if (digits) return "number";
  if (operator) return "operator";
  if (!word) return undefined;
  if (CONSTANTS.test(word)) return "constant";
  return VARIABLES.some(([name]) => name === word) ? "variable" : "strange";
}

function coloured(text: string) {
  return [...text.matchAll(TOKEN)].map((match) => (
    <span key={match.index} className={toneOf(match[1], match[2], match[3])}>{match[0]}</span>
  ));
}

interface Props {
  id?: string;
  value?: string;
  onChange?: (value: string) => void;
}

export function Rule({ id, value = "", onChange }: Props) {
  const say = useSay();
  const area = useRef<HTMLTextAreaElement>(null);

  function insert(name: string) {
    const at = area.current?.selectionStart ?? value.length;
    const gap = at > 0 && !/\s|\(/.test(value[at - 1] ?? "") ? " " : "";
    onChange?.(value.slice(0, at) + gap + name + value.slice(at));
    area.current?.focus();
  }

  return (
    <div className="rule">
      <div className="rule-text">
        <pre aria-hidden>{coloured(value)}{"\n"}</pre>
        <textarea id={id} ref={area} value={value} maxLength={2000} spellCheck={false} autoCapitalize="off" autoComplete="off" rows={3}
          placeholder="weekday <= FRIDAY && hour >= 11 && hour < 14" onChange={(event) => onChange?.(event.target.value)} />
      </div>
      <div className="rule-words">
        {VARIABLES.map(([name, en, zh]) => (
          <Tooltip key={name} title={say(en, zh)}>
            <Button size="small" type="text" onClick={() => insert(name)}>{name}</Button>
          </Tooltip>
        ))}
      </div>
    </div>
  );
}
