-- The same payment as an engineer would write it for PostgreSQL: balances checked and kept, every
-- movement an entry, one number of a merchant one order for ever.

CREATE TABLE wallets (
    id bigint PRIMARY KEY,
    balance bigint NOT NULL CHECK (balance >= 0)
) WITH (fillfactor = 80); -- room for updates in place

CREATE TABLE merchants (
    id bigint PRIMARY KEY,
    balance bigint NOT NULL CHECK (balance >= 0),
    fee_bps int NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    merchant bigint NOT NULL,
    out_trade_no text NOT NULL,
    amount bigint NOT NULL CHECK (amount > 0),
    description text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL DEFAULT now() + interval '7 days',
    payer bigint,
    fee bigint,
    paid_at timestamptz, -- once it is paid
    UNIQUE (merchant, out_trade_no)
) WITH (fillfactor = 90);

-- What moved an account's money. Fee income is the sum of its entries: a balance of its own would be
-- one row that every payment waits for.
CREATE TABLE entries (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_kind smallint NOT NULL, -- 1 wallet, 2 merchant, 3 fee income
    account bigint NOT NULL,
    amount bigint NOT NULL,
    order_id bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON entries (account_kind, account, id);

CREATE FUNCTION pay(asked bigint, by bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    o orders%ROWTYPE;
    rate int;
    kept bigint;
BEGIN
    SELECT * INTO o FROM orders WHERE id = asked FOR UPDATE;
    IF NOT FOUND THEN RAISE 'there is no such order'; END IF;
    IF o.paid_at IS NOT NULL THEN RAISE 'this order is paid'; END IF;
    IF o.expires_at <= now() THEN RAISE 'this order has expired'; END IF;
    SELECT fee_bps INTO rate FROM merchants WHERE id = o.merchant;
    kept := (o.amount * rate + 5000) / 10000;
    UPDATE wallets SET balance = balance - o.amount WHERE id = by AND balance >= o.amount;
    IF NOT FOUND THEN RAISE 'the balance is too low'; END IF;
    INSERT INTO entries (account_kind, account, amount, order_id) VALUES
        (1, by, -o.amount, asked), (2, o.merchant, o.amount - kept, asked), (3, by % 2, kept, asked);
    UPDATE orders SET payer = by, fee = kept, paid_at = now() WHERE id = asked;
    -- Last: the row of a busy merchant is then locked for the shortest time.
    UPDATE merchants SET balance = balance + o.amount - kept WHERE id = o.merchant;
END $$;

-- A thousand payments in one transaction, as a service would do that collects them first. Rows are
-- locked in order of their ids, so that batches wait for each other and do not lock each other out.
-- One balance that is too low undoes the whole batch.

CREATE FUNCTION create_many(size int, merchants bigint) RETURNS bigint[] LANGUAGE sql AS $$
    WITH made AS (
        INSERT INTO orders (merchant, out_trade_no, amount, description)
        SELECT least(merchants, floor(exp(random() * ln(merchants + 1)))::bigint),
               'bench-' || gen_random_uuid(), 1 + floor(random() * 50000), 'bench'
        FROM generate_series(1, size)
        RETURNING id)
    SELECT array_agg(id) FROM made
$$;

CREATE FUNCTION pay_many(asked bigint[], wallets bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE orders SET payer = 1 + floor(random() * wallets), paid_at = now(),
        fee = (amount * (SELECT fee_bps FROM merchants m WHERE m.id = merchant) + 5000) / 10000
        WHERE id = ANY (asked) AND paid_at IS NULL AND expires_at > now();
    PERFORM 1 FROM wallets w WHERE id IN (SELECT payer FROM orders WHERE orders.id = ANY (asked))
        ORDER BY id FOR UPDATE;
    UPDATE wallets w SET balance = balance - spent
        FROM (SELECT payer, sum(amount) AS spent FROM orders WHERE id = ANY (asked) GROUP BY payer) s
        WHERE w.id = s.payer;
    INSERT INTO entries (account_kind, account, amount, order_id)
        SELECT kind, account, moved, o.id FROM orders o, LATERAL (VALUES
            (1, payer, -amount), (2, merchant, amount - fee), (3, payer % 2, fee)
        ) AS e (kind, account, moved) WHERE o.id = ANY (asked);
    PERFORM 1 FROM merchants m WHERE id IN (SELECT merchant FROM orders WHERE orders.id = ANY (asked))
        ORDER BY id FOR UPDATE;
    UPDATE merchants m SET balance = balance + earned
        FROM (SELECT merchant, sum(amount - fee) AS earned FROM orders WHERE id = ANY (asked)
              GROUP BY merchant) s
        WHERE m.id = s.merchant;
END $$;
