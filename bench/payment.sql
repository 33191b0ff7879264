-- One payment for pgbench: an order created and, once that is durable and its id is known, paid.
-- Merchants are hit by rank as `feiqian bench payments` does (Zipf, s = 1).
\set payer random(1, :wallets)
\set share random(0, 1000000) / 1000000.0
\set merchant least(:merchants, int(exp(:share * ln(:merchants + 1))))
\set amount random(1, 50000)
\set n random(1, 9000000000000000)
INSERT INTO orders (merchant, out_trade_no, amount, description) VALUES (:merchant, 'bench-' || :n, :amount, 'bench') RETURNING id \gset
SELECT pay(:id, :payer);
