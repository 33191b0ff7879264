/** Names of brands and merchants by their id, asked for once. */

import { createContext, createElement, useContext, useMemo, type ReactNode } from "react";
import { usePages, useAsk } from "../desk/server";
import type { Brand, Merchant } from "./types";

interface Names {
  nameOf: (id: string) => string;
  brands: Brand[];
  merchants: Merchant[];
  refresh: () => void;
}

const Known = createContext<Names>({ nameOf: (id) => id, brands: [], merchants: [], refresh: () => undefined });

export function WithNames({ children }: { children: ReactNode }) {
  const brands = useAsk<{ data: Brand[] }>("/v1/brands");
  const merchants = usePages<Merchant>("/v1/merchants?limit=100");
  const names = useMemo(() => {
    const rows = [...(brands.data?.data ?? []), ...(merchants.rows ?? [])];
    const byId = new Map(rows.map((row) => [row.id, row.name]));
    return {
      nameOf: (id: string) => byId.get(id) ?? id,
      brands: brands.data?.data ?? [],
      merchants: merchants.rows ?? [],
      refresh: merchants.again,
    };
  }, [brands.data, merchants.rows?.length, merchants.data]); // eslint-disable-line react-hooks/exhaustive-deps -- rows are made of these
  return createElement(Known.Provider, { value: names }, children);
}

export const useNames = () => useContext(Known);
