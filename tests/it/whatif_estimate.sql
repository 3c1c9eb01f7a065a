CREATE TABLE customer (id int PRIMARY KEY, email varchar(60) NOT NULL, name text, region text NOT NULL, vip boolean NOT NULL, created_at timestamptz NOT NULL);
INSERT INTO customer SELECT n, 'user' || n || '@example.org', 'Name ' || (n * 7919) % 3000, 'r' || n % 40, n % 50 = 0,
    timestamptz '2023-01-01' + n * interval '17 minute' FROM generate_series(1, 20000) n;
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id int NOT NULL, status text NOT NULL, total numeric NOT NULL, created_at timestamptz NOT NULL,
    shipped_at timestamptz, note text, kind int NOT NULL);
INSERT INTO orders SELECT n, 1 + (n * 7919::bigint) % 20000,
    CASE WHEN n % 100 < 90 THEN 'done' WHEN n % 100 < 97 THEN 'open' ELSE 'failed' END, (n * 31) % 5000 / 10.0,
    timestamptz '2024-01-01' + n * interval '2 minute', CASE WHEN n % 20 <> 0 THEN timestamptz '2024-01-02' + n * interval '2 minute' END,
    repeat('x', (n % 60)::int), (n * 17) % 300 FROM generate_series(1, 200000) n;
CREATE TABLE item (id bigint PRIMARY KEY, order_id bigint NOT NULL, product_id int NOT NULL, quantity int NOT NULL, price numeric NOT NULL);
INSERT INTO item SELECT n, 1 + (n * 104729::bigint) % 200000, (n * 31) % 2000, 1 + n % 9, (n % 977) / 10.0 FROM generate_series(1, 400000) n;
CREATE TABLE part (id bigint NOT NULL, at date NOT NULL, sensor int NOT NULL, value float8) PARTITION BY RANGE (at);
CREATE TABLE part_a PARTITION OF part FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE part_b PARTITION OF part FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
CREATE TABLE part_c PARTITION OF part FOR VALUES FROM ('2024-03-01') TO ('2024-04-01');
INSERT INTO part SELECT n, date '2024-01-01' + (n % 90)::int, (n * 7919) % 1500, n / 3.0 FROM generate_series(1, 120000) n;
