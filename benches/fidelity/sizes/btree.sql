-- Tables for the size model: what columns of real applications look like, by kind and distribution.
SELECT setseed(0.42);

CREATE TYPE event_kind AS ENUM ('view', 'click', 'buy', 'refund');
CREATE TABLE event (
    id bigint, account_id int, kind event_kind, at timestamptz, day date, amount numeric(10, 2), score float8,
    ratio numeric, token uuid, ip inet, is_read boolean, small smallint, label varchar(40), span interval
);
INSERT INTO event
SELECT g, (random() * random() * :n_rows / 20)::int, (ARRAY['view', 'click', 'buy', 'refund'])[1 + floor(random() ^ 3 * 4)::int]::event_kind,
    timestamptz '2025-01-01' + g * interval '7 s', date '2025-01-01' + g / 800, (random() * 1000)::numeric(10, 2),
    random(), (random() * 100)::numeric, gen_random_uuid(), ('10.0.' || g % 200 || '.' || g % 250)::inet, random() < 0.9,
    (random() * 30)::smallint, 'label ' || (g % 500), (g % 5000) * interval '1 min'
FROM generate_series(1, :n_rows) g;

CREATE TABLE customer (
    id int, email text, name text, city text, country char(2), phone text, deleted_at timestamptz, bio text,
    code text, tags text[], settings jsonb, hash char(32), referrer_id int
);
INSERT INTO customer
SELECT g, 'user' || g || '@' || (ARRAY['example.com', 'mail.example.org', 'corp.test'])[1 + g % 3],
    (ARRAY['Ada', 'Grace', 'Alan', 'Edsger', 'Barbara'])[1 + floor(random() * 5)::int] || ' ' || md5((g % 3000)::text),
    'City ' || (random() ^ 2 * 400)::int, (ARRAY['de', 'fr', 'us', 'gb', 'pl', 'it'])[1 + floor(random() ^ 2 * 6)::int],
    CASE WHEN random() < 0.4 THEN '+49 ' || (random() * 1e9)::bigint END,
    CASE WHEN random() < 0.05 THEN timestamptz '2025-01-01' + g * interval '1 min' END,
    repeat(md5(g::text) || ' ', 1 + g % 6), lpad((g % 10000)::text, 6, '0'), ARRAY['tag' || g % 40, 'tag' || g % 7],
    jsonb_build_object('theme', g % 3, 'n', g), md5(g::text), CASE WHEN g % 3 = 0 THEN g / 3 END
FROM generate_series(1, :n_rows) g;

CREATE TABLE trade (
    id int, customer_id int, status text, created_at timestamptz, shipped_at timestamptz, total numeric(12, 2),
    warehouse text, region text, coupon text, note text, priority int
);
INSERT INTO trade
SELECT g, (random() * :n_rows / 4)::int, s, timestamptz '2025-01-01' + g * interval '20 s' + random() * interval '1 h',
    CASE WHEN s IN ('shipped', 'closed') THEN timestamptz '2025-01-02' + g * interval '20 s' END,
    (random() * 500)::numeric(12, 2), 'wh-' || g % 24, 'region-' || (g % 24) / 6,
    CASE WHEN random() < 0.02 THEN 'SAVE' || g % 100 END,
    CASE WHEN random() < 0.3 THEN repeat('note ', 1 + (random() * 30)::int) END, (random() ^ 4 * 5)::int
FROM (SELECT g, (ARRAY['closed', 'shipped', 'cancelled', 'open'])[1 + floor(random() ^ 3 * 4)::int] AS s
      FROM generate_series(1, :n_rows) g) s;
CREATE STATISTICS trade_place (ndistinct) ON warehouse, region FROM trade;

ANALYZE;
