-- A thousand payments for pgbench: as payment.sql, but in two transactions for all of them.
SELECT create_many(1000, :merchants) AS ids \gset
SELECT pay_many(:ids, :wallets);
