-- Tables for the size models of all access methods but btree: texts, documents, arrays, ranges, shapes, numbers, in the
-- distributions that applications have. `:n_rows` is replaced by the number of rows. Reproducible: setseed.
SELECT setseed(0.42);
CREATE EXTENSION pg_trgm;
CREATE EXTENSION btree_gin;
CREATE EXTENSION btree_gist;
CREATE EXTENSION bloom;

-- A language of 20,000 words: short ones are frequent, as Zipf found.
CREATE TABLE word (id int PRIMARY KEY, text text);
INSERT INTO word
SELECT g, (SELECT string_agg(substr('batelorinumakesidofupegavyhuwaxo', 1 + 2 * ((hashint4(g * 31 + i) & 2147483647) % 16), 2), '')
           FROM generate_series(1, 1 + (ln(g) / 3)::int + g % 2) i)
FROM generate_series(1, 20000) g;

-- Articles: a title of 4 to 8 words, a body of 10 to 60, tags, properties.
CREATE TABLE draft AS
SELECT g AS id,
    (SELECT string_agg(w.text, ' ') FROM generate_series(1, 4 + g % 5) i, LATERAL (SELECT exp(random() * ln(20000))::int AS r WHERE i > 0) p JOIN word w ON w.id = p.r) AS title,
    (SELECT string_agg(w.text, ' ') FROM generate_series(1, 10 + (g * 7) % 51) i, LATERAL (SELECT exp(random() * ln(20000))::int AS r WHERE i > 0) p JOIN word w ON w.id = p.r) AS body
FROM generate_series(1, :n_rows) g;
CREATE TABLE article (
    id int, title text, body text, search tsvector, tags text[], reader_ids int[], properties jsonb, options jsonb, slug text,
    author text, city text
);
INSERT INTO article
SELECT id, title, body, to_tsvector('simple', title || ' ' || body),
    ARRAY(SELECT DISTINCT 'tag' || (random() ^ 2 * 300)::int FROM generate_series(1, 1 + id % 6)),
    ARRAY(SELECT DISTINCT (random() * :n_rows / 2)::int FROM generate_series(1, 3 + id % 8)),
    jsonb_build_object('color', (ARRAY['red', 'green', 'blue', 'black'])[1 + id % 4], 'size', id % 40,
        'price', (random() * 1000)::int, 'in_stock', random() < 0.8, 'sku', 'sku-' || id,
        'labels', jsonb_build_array('l' || id % 17, 'l' || id % 5)),
    jsonb_build_object('theme', id % 3, 'flags', jsonb_build_object('beta', id % 2 = 0, 'lang', (ARRAY['de', 'fr', 'en'])[1 + id % 3])),
    md5(id::text), 'Author ' || (random() ^ 2 * :n_rows / 50)::int, 'City ' || (random() ^ 2 * 400)::int
FROM draft;
DROP TABLE draft;

-- Bookings of rooms: ranges, addresses, positions, shapes.
CREATE TABLE booking (
    id int, room int, during tstzrange, days daterange, price_band int4range, guests numrange, client inet, net cidr, position point, area box, outline polygon,
    coverage circle, at timestamptz, amount numeric(10, 2), token uuid, code text, note text, score float8, cancelled_at timestamptz
);
INSERT INTO booking
SELECT g, (random() * 500)::int, tstzrange(at, at + random() * interval '5 days'),
    daterange(at::date, at::date + 1 + (random() * 7)::int), int4range(band, band + 1 + g % 100),
    CASE WHEN g % 5 > 0 THEN numrange((random() * 100)::numeric(8, 2), NULL) END,
    ('10.' || (random() * 30)::int || '.' || (random() * 255)::int || '.' || (random() * 255)::int)::inet,
    set_masklen(('172.16.' || g % 200 || '.0')::cidr, 24),
    point(random() * 360 - 180, random() * 180 - 90), box(point(x, y), point(x + random(), y + random())),
    polygon(4, circle(point(x, y), 1 + random())), circle(point(y, x), random()), at, (random() * 1000)::numeric(10, 2), gen_random_uuid(),
    lpad((g % 100000)::text, 8, '0'), CASE WHEN random() < 0.3 THEN 'note ' || md5(g::text) END, random(),
    CASE WHEN random() < 0.1 THEN at + interval '1 h' END
FROM (SELECT g, timestamptz '2025-01-01' + g * interval '1 min' + random() * interval '10 days' AS at, random() * 1000 AS x, random() * 1000 AS y, (g::bigint * 7919 % 10000)::int AS band
      FROM generate_series(1, :n_rows) g) s;

-- Measurements in the order they arrive.
CREATE TABLE reading (id bigint, sensor int, at timestamptz, value float8, status text, host inet, payload text);
INSERT INTO reading
SELECT g, (random() * 2000)::int, timestamptz '2025-01-01' + g * interval '3 s', random() * 100,
    (ARRAY['ok', 'ok', 'ok', 'late', 'bad'])[1 + (random() * 4)::int], ('10.0.' || g % 200 || '.' || g % 250)::inet, md5(g::text)
FROM generate_series(1, 5 * :n_rows) g;

ANALYZE;
