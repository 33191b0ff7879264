/** Light or dark: as the person chose, else as the device says. */

import { useEffect, useState } from "react";

export type Look = "light" | "dark";
const KEPT = "feiqian-look";
const night = window.matchMedia("(prefers-color-scheme: dark)");

function chosen(): Look | undefined {
  const kept = localStorage.getItem(KEPT);
  return kept === "light" || kept === "dark" ? kept : undefined;
}

export function useLook(): [Look, (look: Look) => void] {
  const [look, setLook] = useState<Look>(chosen() ?? (night.matches ? "dark" : "light"));
  useEffect(() => {
    const follow = () => setLook(chosen() ?? (night.matches ? "dark" : "light"));
    night.addEventListener("change", follow);
    return () => night.removeEventListener("change", follow);
  }, []);
  useEffect(() => {
    document.documentElement.dataset.look = look;
    // ant-design-mobile's own word for it.
    document.documentElement.dataset.prefersColorScheme = look;
    document.documentElement.style.colorScheme = look;
  }, [look]);
  return [look, (next) => { localStorage.setItem(KEPT, next); setLook(next); }];
}
