/** Our own small pictures: fonts of emoji differ from phone to phone. */

const PATHS = {
  code: "M3 5v14M7 5v14M10 5v14M14 5v14M17 5v14M21 5v14",
  scan: "M3 8V5a2 2 0 0 1 2-2h3M16 3h3a2 2 0 0 1 2 2v3M21 16v3a2 2 0 0 1-2 2h-3M8 21H5a2 2 0 0 1-2-2v-3M3 12h18",
  send: "M4 9h15l-4-4M20 15H5l4 4",
  packet: "M6 3h12a1 1 0 0 1 1 1v16a1 1 0 0 1-1 1H6a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1zM5 8c4 4 10 4 14 0M12 9.5v5M9.5 12h5",
  split: "M5 12h14M12 5.5v.01M12 18.5v.01",
  bank: "M3 10 12 4l9 6M5 10v9M10 10v9M14 10v9M19 10v9M3 20h18",
  coupon: "M3 7h18v3a2 2 0 0 0 0 4v3H3v-3a2 2 0 0 0 0-4zM14 7v10",
  chart: "M4 20V10M10 20V4M16 20v-7M21 20H3",
  settings: "M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM12 2v3M12 19v3M2 12h3M19 12h3M4.9 4.9l2.2 2.2M16.9 16.9l2.2 2.2M4.9 19.1l2.2-2.2M16.9 7.1l2.2-2.2",
};
export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return <svg className="icon" viewBox="0 0 24 24" aria-hidden fill="none" stroke="currentColor" strokeWidth="1.8" strokeLinecap="round" strokeLinejoin="round"><path d={PATHS[name]} /></svg>;
}
