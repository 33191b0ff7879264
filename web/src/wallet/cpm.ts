/** Pay codes as EMV consumer-presented payloads (docs/CODES.md), for tills that read those. */

/** All before the digits: the format, then our application with its name and label. */
const CPM_HEAD = "\x85\x05CPV01\x61\x21\x4F\x08\xF0FEIQIAN\x50\x07FEIQIAN\x63\x0C\xDF\x01\x09";

/** The 18 digits of a pay code as that payload. */
export function cpm(digits: string): string {
  const bytes = (digits.match(/\d\d/g) ?? []).map((pair) => String.fromCharCode(parseInt(pair, 16)));
  return btoa(CPM_HEAD + bytes.join(""));
}
