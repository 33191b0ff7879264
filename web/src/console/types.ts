/** What `/v1` answers to an operator, as far as the console shows it. The document is GET /openapi.json. */

import type { Fen, Time } from "../shared/api";

/** Hundredths of a percent. */
export type Bps = number;

export interface Brand {
  id: string;
  name: string;
}

// ---------------------------------------------------------------- merchants

export interface Merchant {
  id: string;
  name: string;
  category: string;
  fee_bps: Bps;
  status: "active" | "paused";
  mchid: string;
  appid: string;
}

export interface Credentials {
  api_v2_key: string;
  api_v3_key: string;
  certificate_pem: string;
  private_key_pem?: string;
  serial_no: string;
}

export interface StatementEntry {
  at: Time;
  kind: string;
  amount: Fen;
  fee?: Fen;
  counterparty?: string;
  campaign_id?: string;
  order_id?: string;
  refund_id?: string;
  transfer_id?: string;
}

// ---------------------------------------------------------------- campaigns

export type CampaignStatus = "draft" | "approved" | "running" | "paused" | "ended";

export type Kind =
  | "discount"
  | { rebate: { wait_days: number } }
  | { coupon: { most: number; per_user: number; days?: number; claimed?: boolean; code?: string; after?: Fen } };

export type Benefit =
  | { fixed: Fen }
  | { percent: { bps: Bps; cap: Fen } }
  | { random: { least: Fen; most: Fen; mean: Fen } }
  | { tiers: { spend: Fen; get: Fen }[] };

export type Funding =
  | "platform"
  | { merchant: string }
  | { shared: { merchant_id: string; platform_bps: Bps } }
  | { outside: string };

export interface Terms {
  name: string;
  kind: Kind;
  benefit: Benefit;
  funding: Funding;
  from: Time;
  until: Time;
  minimum?: Fen;
  per_day?: Fen;
  per_payment?: Fen;
  per_user?: { times?: number; times_a_day?: number; amount?: Fen; by_person?: boolean };
  users?: number;
  brand_id?: string;
  merchant_ids?: string[];
  rule?: string;
  group?: number;
  holdout_bps?: Bps;
  when_spent?: "pay_without" | "tell";
}

export interface NewCampaign {
  budget: Fen;
  terms: Terms;
}

export interface Campaign {
  id: string;
  status: CampaignStatus;
  added_by: string;
  budget: Fen;
  spent: Fen;
  promised: Fen;
  left: Fen;
  subsidy: Fen;
  fund: Fen;
  pending: Fen;
  users: number;
  coupons: number;
  terms: Terms;
}

export interface CampaignDay {
  date: string;
  granted: Fen;
  granted_platform: Fen;
  granted_funder: Fen;
  returned: Fen;
  users?: number;
  payments?: number;
  first_payments?: number;
  first_payments_share?: Bps;
  coupons_given?: number;
  coupons_used?: number;
}

export interface Effect {
  measure: string;
  treated_users: number;
  control_users: number;
  treated_mean: number;
  control_mean: number;
  difference: number;
  low: number;
  high: number;
  treated_new_users: number;
  control_new_users: number;
}

export interface CampaignReport {
  id: string;
  name: string;
  kind: string;
  status: string;
  from: Time;
  until: Time;
  budget: Fen;
  holdout: Bps;
  total: CampaignDay;
  days: CampaignDay[];
  effect: Effect[];
}

// ---------------------------------------------------------------- reports

export interface IncomeRow {
  period: string;
  brand_id: string;
  fee_income: Fen;
  subsidy: Fen;
  subsidy_discount: Fen;
  subsidy_coupon: Fen;
  subsidy_rebate: Fen;
  funded_by_merchants: Fen;
  rail_cost: Fen;
  losses: Fen;
  profit_without_subsidy: Fen;
  profit: Fen;
}

export interface ShareRow {
  period: string;
  brand_id: string;
  payments: number;
  payments_share?: Bps;
  volume: Fen;
  volume_share?: Bps;
  active_users: number;
  active_users_share?: Bps;
  new_users: number;
  retained_users: number;
  subsidy: Fen;
  subsidy_per_new_user?: Fen;
}

export interface CategoryRow {
  period: string;
  brand_id: string;
  category: string;
  payments: number;
  volume: Fen;
  volume_share?: Bps;
}

export interface IncomeReport {
  events: number;
  data: IncomeRow[];
}

export interface ShareReport {
  events: number;
  data: ShareRow[];
  categories: CategoryRow[];
}

// ---------------------------------------------------------------- notifications

export interface Notification {
  id: string;
  at: Time;
  kind: string;
  state: string;
  tries: number;
  url: string;
  last_error?: string;
}

// ---------------------------------------------------------------- control

/** What a shop wrote at /till/apply, and what became of it. */
export interface Application {
  id: string;
  at: Time;
  status: "new" | "reviewing" | "approved" | "rejected";
  name: string;
  category: string;
  contact_name: string;
  phone: string;
  owner_name: string;
  note?: string;
  decided_by?: string;
  merchant_id?: string;
}

/** What is told once when a merchant begins. */
export interface MerchantAdded extends Merchant {
  credentials: Credentials;
  /** Of an approved application: how its owner first signs in to the till. */
  owner?: { name: string; password: string };
}

/** A user as lists show it: nothing that names a person. */
export interface UserRow {
  id: string;
  brand_id: string;
  status: "active" | "frozen" | "closed";
  tier: "basic" | "verified" | "full";
  name_masked?: string;
  phone_masked?: string;
  handle?: string;
}

export interface Person {
  handle: string;
  name: string;
  latin_name?: string;
  phone?: string;
}

export interface AccountBalance {
  account: string;
  name: string;
  kind: string;
  debit: Fen;
  credit: Fen;
}

export interface TrialBalance {
  events: number;
  data: AccountBalance[];
  debit: Fen;
  credit: Fen;
}

export interface Posting {
  event: number;
  at: Time;
  kind: string;
  debit: string;
  credit: string;
  amount: Fen;
  order_id?: string;
}

/** All that is known of one order. */
export interface OrderStory {
  order: {
    id: string; number?: string; status: string; amount: Fen; description: string; created_at: Time; expires_at: Time;
    merchant: { id: string; name: string };
    payment?: { id: string; paid_at: Time; payer_id?: string; payable: Fen; fee?: Fen; refunded: Fen; discounts: { campaign_id: string; campaign: string; amount: Fen }[] };
  };
  events: { event: number; at: Time; kind: string; postings: { debit: string; credit: string; amount: Fen }[] }[];
  notifications: Notification[];
}

/** Somebody who works at a merchant's tills. */
export interface Staff {
  id: string;
  name: string;
  role: "owner" | "cashier";
  /** Of somebody new, told once. */
  password?: string;
}

/** Something that one operator began and another must agree to. */
export interface Approval {
  id: string;
  at: Time;
  by: string;
  kind: string;
  words: string;
  amount: Fen;
  status: "open" | "approved" | "rejected";
  decided_by?: string;
}

export interface AuditEntry {
  id: string;
  at: Time;
  by: string;
  what: string;
  subject?: string;
  why?: string;
  /** HTTP's: from 200 to 299 it happened. */
  status: number;
}

/** Whether the trail is what was written. */
export interface AuditCheck {
  entries: number;
  hash: string;
  broken_at?: string;
}

export interface Operator {
  name: string;
  roles: string[];
  status: "active" | "closed";
}
