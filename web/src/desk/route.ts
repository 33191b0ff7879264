/** Where in the console we are: the part of the address after `#`, so that a reload and the back button work. */

import { useSyncExternalStore } from "react";

function subscribe(changed: () => void) {
  window.addEventListener("hashchange", changed);
  return () => window.removeEventListener("hashchange", changed);
}

const current = () => window.location.hash.replace(/^#\/?/, "");

/** `#/campaigns/cmp_0` is ["campaigns", "cmp_0"]. */
export function useRoute(): string[] {
  const path = useSyncExternalStore(subscribe, current);
  return path.split("/").filter(Boolean).map(decodeURIComponent);
}

export function href(...parts: string[]): string {
  return `#/${parts.map(encodeURIComponent).join("/")}`;
}

export function go(...parts: string[]) {
  window.location.hash = href(...parts).slice(1);
}
