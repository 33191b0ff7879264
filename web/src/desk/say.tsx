/** The words of the till and the console: both languages beside each other where they are used. */

import { createContext, useCallback, useContext, useEffect, useMemo, useState, type ReactNode } from "react";

export type Language = "en" | "zh";
export type Say = (en: string, zh: string) => string;

interface Speech {
  language: Language;
  speak: (language: Language) => void;
  say: Say;
}

const KEPT = "feiqian-language";

function first(): Language {
  const kept = localStorage.getItem(KEPT);
  if (kept === "en" || kept === "zh") return kept;
  return navigator.language.startsWith("zh") ? "zh" : "en";
}

const Spoken = createContext<Speech>({ language: "en", speak: () => undefined, say: (en) => en });

export function WithSpeech({ children }: { children: ReactNode }) {
  const [language, setLanguage] = useState<Language>(first);
  useEffect(() => {
    document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  }, [language]);
  const speak = useCallback((next: Language) => {
    localStorage.setItem(KEPT, next);
    setLanguage(next);
  }, []);
  const speech = useMemo(() => ({ language, speak, say: (en: string, zh: string) => (language === "zh" ? zh : en) }), [language, speak]);
  return <Spoken.Provider value={speech}>{children}</Spoken.Provider>;
}

export const useSpeech = () => useContext(Spoken);
export const useSay = () => useContext(Spoken).say;
