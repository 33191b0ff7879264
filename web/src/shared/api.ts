/**
 * The shapes of `/app`, as the gateway answers them (crates/gateway/src/app).
 * Money is whole fen. Times are RFC 3339 in UTC. Errors are those of /v1.
 * Whoever makes something sends `Idempotency-Key`, made before the first try and kept until it is answered.
 */

export type Fen = number;
export type Time = string;

export interface Problem {
  error: { type: string; code: string; message: string; param?: string };
}
export interface Page<T> {
  data: T[];
  next_cursor?: string;
}

// ---------------------------------------------------------------- wallet: /app/wallet

/** GET boot: what the app needs before anybody signs in. */
export interface Boot {
  sandbox: boolean;
  base_url: string;
  /** Whether this address can have passkeys. */
  passkeys: boolean;
  brands: { id: string; name: string }[];
  /** Absent without a session. */
  me?: Me;
}

export type Tier = "basic" | "verified" | "full";

/** GET me; also the answer to register and session. */
export interface Me {
  user_id: string;
  brand: { id: string; name: string };
  name?: string;
  handle?: string;
  /** 138****8000 */
  phone_masked: string;
  tier: Tier;
  status: "active" | "frozen" | "closed";
  limits: {
    single: Fen;
    daily: Fen;
    yearly: Fen;
    spent_today: Fen;
    spent_this_year: Fen;
    /** Payments up to this go without PIN; 0: always ask. The user's choice, up to `no_pin_max`. */
    no_pin: Fen;
    no_pin_max: Fen;
  };
  pin: "none" | "set" | "locked";
  device: Device;
  language?: "en" | "zh";
}

export interface Device {
  id: string;
  label: string;
  added_at: Time;
  last_seen_at?: Time;
  current: boolean;
  /** A new device may spend up to `new_device_max` a day until then, unless the PIN was given. */
  trusted_from?: Time;
}

/** POST codes {phone}. The same answer whether the number is registered or not. */
export interface CodeSent {
  expires_in_seconds: number;
  resend_in_seconds: number;
  /** In a sandbox only. */
  sandbox_code?: string;
}

/** GET passkeys -> Page<Passkey>; DELETE passkeys/{id} */
export interface Passkey {
  id: string;
  label: string;
  added_at: Time;
  used_at?: Time;
}
/** POST passkeys/new {pin}, signed by the device: what the browser makes one of. All bytes are base64url without padding. */
export interface PasskeyOptions extends PasskeyChallenge {
  user_handle: string;
  /** Credentials that there are. */
  exclude: string[];
}
/** POST passkeys, signed by the device -> 201 Passkey. */
export interface NewPasskey {
  label: string;
  client_data: string;
  authenticator_data: string;
}
/** POST passkeys/challenge {} */
export interface PasskeyChallenge {
  challenge: string;
  rp_id: string;
}
/** POST passkeys/session, with `device: NewDevice`: adds this device, trusted. 201 Me + session cookie; 401 passkey_bad. */
export interface PasskeySigned {
  credential_id: string;
  user_handle: string;
  client_data: string;
  authenticator_data: string;
  signature: string;
}

/** POST register: registers, or adds this device to the account that has the number. 201 Me + session cookie. */
export interface Register {
  phone: string;
  code: string;
  /** Only for a new account. */
  brand_id?: string;
  name?: string;
  device: NewDevice;
  /** Asked for (422 pin_required) when the account has a PIN. */
  pin?: string;
}
export interface NewDevice {
  /** ECDSA P-256, SubjectPublicKeyInfo, base64. The private key is made non-extractable in the browser. */
  public_key: string;
  label: string;
}
/** POST challenge {device_id} */
export interface Challenge {
  challenge: string;
}
/** POST session: signature (base64, r||s) over the UTF-8 bytes "feiqian-session\n" + challenge. */
export interface SignIn {
  device_id: string;
  challenge: string;
  signature: string;
}
// DELETE session; PATCH me {name?, handle?, no_pin?, language?, pin?}; GET devices -> Page<Device>; DELETE devices/{id}
// POST lost {phone, code}: revokes every device and passkey. POST pin {pin, old_pin?}: sets or changes.
// POST pin/unlock {phone_code, name?, id_last4?, pin}: by the tier's recovery. POST verify {name, id_number} -> Me
// GET reads -> Page<{ at, by, what, why? }>: which operator read this person's data.
//
// Every POST that moves money also bears `Feiqian-Device-Signature`: base64 of ECDSA P-256/SHA-256 (r||s) over
// "METHOD\nPATH\nIDEMPOTENCY-KEY\nhex(SHA-256(body))". `pin` stands in the body where needed:
// 422 pin_required, pin_wrong {message says tries left}, pin_locked, pin_not_set.

/** GET home */
export interface Home {
  balance: Fen;
  /** Sent and not yet taken, packets still open, withdrawals under way. */
  on_the_way: Fen;
  /** Payments at a till that wait for this person. */
  confirmations: Confirmation[];
  /** Requests that wait for this person's money. */
  requests: MoneyRequest[];
  recent: Entry[];
}

export interface Confirmation {
  order_id: string;
  shop: Shop;
  amount: Fen;
  description: string;
  quote: Quote;
  needs_pin: boolean;
  expires_at: Time;
}
// POST confirmations/{order_id}/pay {at_most, pin?} -> Receipt; POST confirmations/{order_id}/decline -> 204

export interface Shop {
  id: string;
  name: string;
}

/** What a payment would cost now, and why. */
export interface Quote {
  amount: Fen;
  discount: Fen;
  to_pay: Fen;
  rebate: Fen;
  parts: { campaign: string; kind: "discount" | "rebate" | "coupon"; amount: Fen; words?: string }[];
  /** What could have applied and does not, in words. */
  not_applied: { campaign: string; why: string }[];
}

/** POST paycode: a fresh key for offline codes of this device; the one before goes on until its last use or a day has passed. */
export interface PayCodeKey {
  /** First two digits of the brand's codes. */
  prefix: string;
  /** Nine digits: which key. Random; says nothing of the user. */
  alias: string;
  /** base64, 32 bytes. Kept in this device only. */
  secret: string;
  /** Seconds per step (30). */
  step_seconds: number;
  server_time: Time;
  /** Up to this a code pays without being asked. */
  no_confirm_max: Fen;
}
// code = prefix + alias + 7 digits: HMAC-SHA-256(secret, step as 8 bytes big endian), first 8 bytes as big endian, mod 10^7.

/** POST scan {text}: what a scanned text is. 422 not_understood with words. */
export type Scanned =
  | { kind: "order"; token: string }
  | { kind: "merchant"; code: string; shop: Shop; amount?: Fen; signed: boolean }
  | { kind: "packet"; token: string }
  | { kind: "user"; handle: string }
  /** Another system's EMV merchant code: understood, but not payable here. */
  | { kind: "foreign"; merchant_name: string; city: string; country: string; amount?: string };

/** GET orders/{token} */
export interface CashierOrder {
  order_id: string;
  token: string;
  shop: Shop;
  description: string;
  amount: Fen;
  status: OrderStatus;
  quote?: Quote;
  needs_pin: boolean;
  balance: Fen;
  expires_at: Time;
  /** When it is paid, by this person. */
  receipt?: Receipt;
}
export type OrderStatus = "open" | "paid" | "closed" | "expired" | "reversed";
// POST orders/{token}/pay {at_most: Fen, pin?} -> Receipt. POST merchant-codes/{code}/orders {amount?, note?} -> {token}

export type EntryKind =
  | "payment" | "refund" | "rebate" | "top_up" | "withdrawal"
  | "transfer_out" | "transfer_in" | "packet_out" | "packet_in" | "other";

/** GET entries?kind=&from=&to=&q=&limit=&cursor= -> Page<Entry>, newest first */
export interface Entry {
  /** e_… */
  id: string;
  at: Time;
  kind: EntryKind;
  /** Signed: what came in is positive. */
  amount: Fen;
  balance_after?: Fen;
  /** Shop, person (masked), or bank. */
  title: string;
  note?: string;
  order_id?: string;
  state?: "pending" | "done" | "failed" | "returned";
}

/** GET entries/{id}: the receipt of anything. */
export interface Receipt {
  entry_id: string;
  kind: EntryKind;
  at: Time;
  /** What left the wallet (or came). */
  amount: Fen;
  title: string;
  /** Every part of it, in order: price, discounts by campaign, what was paid, rebate to come, fee. */
  parts: { label: string; amount: Fen }[];
  order_id?: string;
  payment_id?: string;
  merchant_number?: string;
  refunds: { id: string; at: Time; amount: Fen; reason?: string }[];
  rebate?: { amount: Fen; arrives_at?: Time };
}

/** GET spending?month=2026-11 */
export interface Spending {
  month: string;
  total: Fen;
  /** By kind of merchant. */
  categories: { category: string; amount: Fen; count: number }[];
  days: { day: string; amount: Fen }[];
}
// GET export.csv?from=&to=, GET export.pdf?from=&to=

/** POST top-ups {amount}; POST withdrawals {amount, fee_at_most?, pin?}; GET bank-transfers/{id}; GET bank-transfers -> {data}: those that wait, newest first.
 * The bank answers later; `unknown`: not in time, it is asked again. */
export interface BankTransfer {
  id: string;
  kind: "top_up" | "withdrawal";
  amount: Fen;
  fee: Fen;
  status: "pending" | "unknown" | "done" | "declined";
  at: Time;
}
/** GET withdrawal-terms?amount= */
export interface WithdrawalTerms {
  fee: Fen;
  free_left: Fen;
  fee_basis_points: number;
}

/** POST payees {to: phone or @handle}: whom it would reach. Limited per person, device and address. */
export interface Payee {
  to: string;
  registered: boolean;
  /** *小梅; absent when not registered. */
  masked_name?: string;
  brand?: string;
}
/** POST transfers {to, amount, message?, delay_hours: 0 | 2 | 24, pin?} */
export interface Transfer {
  id: string;
  direction: "out" | "in";
  other: string;
  amount: Fen;
  message?: string;
  at: Time;
  status: "waiting" | "arrived" | "taken_back" | "returned";
  /** When it arrives by itself (delay) or goes back (not registered). */
  due_at?: Time;
  can_take_back: boolean;
}
// GET transfers/{id}; POST transfers/{id}/take-back -> Transfer

/** POST requests {note, total?, shares: {to, amount}[]}: one share is a request, several are a split bill. */
export interface MoneyRequest {
  id: string;
  from: string;
  mine: boolean;
  note: string;
  at: Time;
  status: "open" | "done" | "cancelled" | "expired";
  shares: { who: string; mine: boolean; amount: Fen; status: "open" | "paid" | "declined"; at?: Time }[];
}
// GET requests -> Page<MoneyRequest>; POST requests/{id}/pay {pin?} -> MoneyRequest; /decline; /cancel

/** POST packets {kind, total, shares, to?, message?, pin?}; GET packets/{token}; POST packets/{token}/open */
export interface Packet {
  token: string;
  link: string;
  kind: "equal" | "lucky";
  from: string;
  mine: boolean;
  message: string;
  /** Known to the sender and to who opened it. */
  total?: Fen;
  shares: number;
  opened: number;
  status: "open" | "empty" | "expired";
  expires_at: Time;
  /** What this person drew. */
  mine_amount?: Fen;
  draws: { who: string; amount: Fen; at: Time; mine: boolean; luckiest: boolean }[];
}
// GET packets -> Page<Packet>: sent and received.

/** GET coupons -> Page<Coupon> */
export interface Coupon {
  id: string;
  name: string;
  words: string;
  shop?: string;
  status: "open" | "used" | "expired" | "void";
  valid_from: Time;
  valid_to: Time;
}
/** GET events: server-sent events. `changed`: something of this person changed; ask again. */
export type WalletEvent = { type: "changed" };

// ---------------------------------------------------------------- till: /app/till

/** POST session {shop, name, password}; GET me; DELETE session */
export interface Staff {
  id: string;
  name: string;
  role: "owner" | "cashier";
  shop: Shop & { number: string };
  sandbox: boolean;
  /** A cashier's refunds above this need an owner's password. */
  refund_limit: Fen;
}
// GET staff, POST staff {name, role} -> Staff & {password} shown once, DELETE staff/{id}, PATCH shop {refund_limit}: owners only.
// POST password {old, new}

/** POST orders {amount, description?}: shows a code. POST charges {amount, description?, pay_code}: scans one. GET orders/{id} */
export interface TillOrder {
  id: string;
  number: string;
  amount: Fen;
  description: string;
  /** What the shopper paid and the shop receives differ by discounts and fee. */
  paid?: Fen;
  discount?: Fen;
  fee?: Fen;
  refunded: Fen;
  status: "open" | "awaiting_shopper" | "paid" | "closed" | "expired" | "reversed";
  created_at: Time;
  /** Until when it can be paid, or confirmed. */
  expires_at?: Time;
  paid_at?: Time;
  payer_masked?: string;
  /** Of an open order: what the shopper scans. */
  code_url?: string;
  code_svg?: string;
}
// GET orders?limit=&cursor= -> Page<TillOrder>; GET orders/{id}/events: server-sent TillOrder at every change
// POST orders/{id}/close; POST orders/{id}/reverse; POST orders/{id}/refunds {amount, reason?, owner?: {name, password}} -> TillOrder
// 422 owner_required

/** GET today */
export interface Takings {
  day: string;
  payments: number;
  gross: Fen;
  refunds: number;
  refunded: Fen;
  fees: Fen;
  net: Fen;
  hours: { hour: number; amount: Fen; count: number }[];
}
// GET sticker.svg|png|pdf?amount=&form=link|emv; png is the QR code alone
/** GET shift; POST shift/close -> Shift (and a new one begins) */
export interface Shift {
  id: string;
  staff: string;
  from: Time;
  to?: Time;
  payments: number;
  gross: Fen;
  refunds: number;
  refunded: Fen;
  reversed: number;
  net: Fen;
}

/** POST applications (nobody is signed in; limited per address): a shop asks to become a merchant. 201 {id, status: "new"}. */
export interface NewApplication {
  name: string;
  /** ISO 18245. */
  category: string;
  contact_name: string;
  phone: string;
  /** With what its owner will sign in to the till. */
  owner_name: string;
}

// ---------------------------------------------------------------- console
// POST /app/console/session {key} (an operator's key) -> OperatorMe + cookie; GET /app/console/session; DELETE.
// Everything else is /v1 itself: with the session's cookie and the header `Feiqian-App: console` an operator
// needs no bearer key. The document is GET /openapi.json; what the console needs beyond it (shapes in console/types.ts):
// POST campaigns/check NewCampaign -> 2xx, or the refusal of POST campaigns; nothing is made
// POST campaigns/quote {draft, amount, merchant_id, at?} -> Offers; POST campaigns/backtest {draft, from, to} -> a backtest's row
// GET applications?status= -> Page<Application>; POST applications/{id}/approve {fee_bps} -> MerchantAdded; /reject {reason}
// GET users?q= -> Page<UserRow>; GET users/{id}/masked -> UserRow; POST users/{id}/reads {why} -> Person
// POST users/{id}/status {status, reason}; GET orders/{id}/story -> OrderStory; GET notifications?state=dead|waiting
// GET ledger/trial-balance -> TrialBalance; GET ledger/accounts/{id}/entries -> Page<Posting>
// GET approvals?status= -> Page<Approval>; POST approvals/{id}/approve|reject; GET audit?by=&subject= -> Page<AuditEntry>
// GET operators -> {data: Operator[]}; POST operators {name, roles}; PUT operators/{name}/roles {roles}
export interface OperatorMe {
  name: string;
  sandbox: boolean;
  roles: string[];
}
