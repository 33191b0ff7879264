/** Kinds of merchants by their ISO 18245 code, as far as we have words for them. */

import type { Say } from "./say";

export const KINDS: [code: string, en: string, zh: string][] = [
  ["4111", "Local transport", "市内交通"], ["4121", "Taxis", "出租车"], ["5311", "Department stores", "百货商店"], ["5411", "Groceries", "超市"],
  ["5462", "Bakeries", "面包糕点"], ["5499", "Food shops", "食品店"], ["5541", "Petrol stations", "加油站"], ["5651", "Clothing", "服装"],
  ["5732", "Electronics", "电子产品"], ["5812", "Restaurants", "餐馆"], ["5814", "Fast food and tea", "快餐茶饮"], ["5912", "Pharmacies", "药店"],
  ["5942", "Books", "书店"], ["5992", "Flowers", "花店"], ["5999", "Other shops", "其他零售"], ["7011", "Hotels", "酒店"],
  ["7230", "Hairdressers", "理发美容"], ["7832", "Cinemas", "电影院"], ["8011", "Doctors", "诊所"], ["8220", "Universities", "高校"],
];

export function categoryName(code: string, say: Say): string {
  const found = KINDS.find(([own]) => own === code);
  return found ? say(found[1], found[2]) : code;
}

export function categoryOptions(say: Say) {
  return KINDS.map(([code, en, zh]) => ({ value: code, label: `${code} · ${say(en, zh)}` }));
}
