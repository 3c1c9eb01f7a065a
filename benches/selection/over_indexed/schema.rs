//! A shop as an eager ORM indexes it: 13 relations with an index on every column and on pairs of columns, 128 with the
//! keys. Makes its SQL; runs nothing.

/// A relation with its rows. Each column has a type and the expression that fills row `g`.
struct Table {
    name: &'static str,
    n_rows: usize,
    columns: &'static [(&'static str, &'static str, &'static str)],
    foreign_keys: &'static [(&'static str, &'static str)],
}

/// Pairs of columns for each relation at most.
const PAIRS_MAX: usize = 5;
/// Indexes with those of primary keys and of the unique constraint.
pub const N_INDEXES: usize = 128;

const TABLES: [Table; 13] = [
    Table {
        name: "tenants",
        n_rows: 50,
        columns: &[
            ("name", "text", "'tenant ' || g"),
            ("plan", "text", "(ARRAY['free', 'team', 'large'])[1 + g % 3]"),
            ("created_at", "timestamptz", "'2025-01-01'::timestamptz + g * interval '1 day'"),
        ],
        foreign_keys: &[],
    },
    Table {
        name: "users",
        n_rows: 20_000,
        columns: &[
            ("tenant_id", "bigint", "1 + g % 50"),
            ("email", "text", "'user' || g || '@example.org'"),
            ("status", "text", "CASE WHEN g % 20 = 0 THEN 'blocked' ELSE 'active' END"),
            ("created_at", "timestamptz", "'2025-01-01'::timestamptz + g * interval '10 minutes'"),
            ("last_seen_at", "timestamptz", "'2026-01-01'::timestamptz + (g * 7919 % 20000) * interval '1 minute'"),
        ],
        foreign_keys: &[("tenant_id", "tenants")],
    },
    Table {
        name: "addresses",
        n_rows: 30_000,
        columns: &[
            ("user_id", "bigint", "1 + g * 31 % 20000"),
            ("city", "text", "'city ' || g * 17 % 900"),
            ("postcode", "text", "lpad((g * 7919 % 90000)::text, 5, '0')"),
            ("is_default", "boolean", "g % 3 <> 0"),
        ],
        foreign_keys: &[("user_id", "users")],
    },
    Table {
        name: "categories",
        n_rows: 500,
        columns: &[
            ("parent_id", "bigint", "CASE WHEN g > 20 THEN 1 + g % 20 END"),
            ("slug", "text", "'category-' || g"),
            ("position", "integer", "g % 25"),
        ],
        foreign_keys: &[],
    },
    Table {
        name: "products",
        n_rows: 20_000,
        columns: &[
            ("tenant_id", "bigint", "1 + g % 50"),
            ("category_id", "bigint", "1 + g * 13 % 500"),
            ("sku", "text", "'SKU-' || g"),
            ("price", "numeric(10,2)", "1 + g * 37 % 20000 / 100.0"),
            ("stock", "integer", "g * 11 % 300"),
            ("is_active", "boolean", "g % 10 <> 0"),
            ("updated_at", "timestamptz", "'2026-01-01'::timestamptz + (g * 7919 % 20000) * interval '1 minute'"),
        ],
        foreign_keys: &[("category_id", "categories")],
    },
    Table {
        name: "product_images",
        n_rows: 40_000,
        columns: &[
            ("product_id", "bigint", "1 + g % 20000"),
            ("position", "integer", "g / 20000"),
            ("url_hash", "text", "md5(g::text)"),
        ],
        foreign_keys: &[("product_id", "products")],
    },
    Table {
        name: "carts",
        n_rows: 20_000,
        columns: &[
            ("user_id", "bigint", "1 + g * 7 % 20000"),
            ("status", "text", "CASE WHEN g % 8 = 0 THEN 'open' ELSE 'ordered' END"),
            ("updated_at", "timestamptz", "'2026-01-01'::timestamptz + g * interval '1 minute'"),
        ],
        foreign_keys: &[("user_id", "users")],
    },
    Table {
        name: "cart_lines",
        n_rows: 60_000,
        columns: &[
            ("cart_id", "bigint", "1 + g % 20000"),
            ("product_id", "bigint", "1 + g * 53 % 20000"),
            ("quantity", "integer", "1 + g % 4"),
            ("added_at", "timestamptz", "'2026-01-01'::timestamptz + g * interval '20 seconds'"),
        ],
        foreign_keys: &[("cart_id", "carts")],
    },
    Table {
        name: "orders",
        n_rows: 100_000,
        columns: &[
            ("tenant_id", "bigint", "1 + g % 50"),
            ("user_id", "bigint", "1 + g * 31 % 20000"),
            ("status", "text", "CASE WHEN g % 50 = 0 THEN 'pending' ELSE 'done' END"),
            ("total", "numeric(10,2)", "g * 37 % 50000 / 100.0"),
            ("created_at", "timestamptz", "'2025-06-01'::timestamptz + g * interval '3 minutes'"),
            (
                "paid_at",
                "timestamptz",
                "CASE WHEN g % 50 <> 0 THEN '2025-06-01'::timestamptz + g * interval '3 minutes' END",
            ),
        ],
        foreign_keys: &[("user_id", "users")],
    },
    Table {
        name: "order_lines",
        n_rows: 300_000,
        columns: &[
            ("order_id", "bigint", "1 + g % 100000"),
            ("product_id", "bigint", "1 + g * 53 % 20000"),
            ("quantity", "integer", "1 + g % 4"),
            ("price", "numeric(10,2)", "g * 37 % 20000 / 100.0"),
        ],
        foreign_keys: &[("order_id", "orders"), ("product_id", "products")],
    },
    Table {
        name: "payments",
        n_rows: 100_000,
        columns: &[
            ("order_id", "bigint", "g"),
            ("provider", "text", "(ARRAY['card', 'invoice', 'wallet'])[1 + g % 3]"),
            ("status", "text", "CASE WHEN g % 40 = 0 THEN 'failed' ELSE 'settled' END"),
            ("amount", "numeric(10,2)", "g * 37 % 50000 / 100.0"),
            ("created_at", "timestamptz", "'2025-06-01'::timestamptz + g * interval '3 minutes'"),
        ],
        foreign_keys: &[("order_id", "orders")],
    },
    Table {
        name: "shipments",
        n_rows: 80_000,
        columns: &[
            ("order_id", "bigint", "g"),
            ("carrier", "text", "(ARRAY['post', 'bike', 'truck'])[1 + g % 3]"),
            ("tracking", "text", "'T' || md5(g::text)"),
            ("status", "text", "CASE WHEN g % 30 = 0 THEN 'under way' ELSE 'delivered' END"),
            ("shipped_at", "timestamptz", "'2025-06-02'::timestamptz + g * interval '3 minutes'"),
        ],
        foreign_keys: &[("order_id", "orders")],
    },
    Table {
        name: "audit_events",
        n_rows: 300_000,
        columns: &[
            ("tenant_id", "bigint", "1 + g * 7 % 50"),
            ("user_id", "bigint", "1 + g * 31 % 20000"),
            ("kind", "text", "'kind ' || g % 15"),
            ("entity_id", "bigint", "1 + g * 13 % 100000"),
            ("created_at", "timestamptz", "'2025-06-01'::timestamptz + g * interval '1 minute'"),
        ],
        foreign_keys: &[],
    },
];

/// The statements that make the database, in order.
pub fn statements() -> Vec<String> {
    let tables = TABLES.iter().map(create_table);
    let rows = TABLES.iter().map(insert);
    let keys = TABLES.iter().flat_map(foreign_keys);
    let indexes = TABLES.iter().flat_map(indexes);
    let unique = "ALTER TABLE users ADD CONSTRAINT users_email_key UNIQUE (email)".to_owned();
    tables.chain(rows).chain([unique]).chain(indexes).chain(keys).collect()
}

fn create_table(table: &Table) -> String {
    let columns: Vec<String> = table.columns.iter().map(|(name, kind, _)| format!("{name} {kind}")).collect();
    let id = "id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY";
    format!("CREATE TABLE {} ({id}, {})", table.name, columns.join(", "))
}

fn insert(table: &Table) -> String {
    let names: Vec<&str> = table.columns.iter().map(|(name, _, _)| *name).collect();
    let values: Vec<&str> = table.columns.iter().map(|(_, _, value)| *value).collect();
    let (names, values) = (names.join(", "), values.join(", "));
    format!("INSERT INTO {} ({names}) SELECT {values} FROM generate_series(1, {}::bigint) g", table.name, table.n_rows)
}

fn foreign_keys(table: &Table) -> Vec<String> {
    let add = |(column, parent): &(&str, &str)| {
        format!("ALTER TABLE {} ADD FOREIGN KEY ({column}) REFERENCES {parent}", table.name)
    };
    table.foreign_keys.iter().map(add).collect()
}

fn indexes(table: &Table) -> Vec<String> {
    let names: Vec<&str> = table.columns.iter().map(|(name, _, _)| *name).collect();
    let single = names.iter().map(|name| vec![*name]);
    let later = |first: usize| names[first + 1..].iter().map(move |second| (first, *second));
    let pairs = (0..names.len()).flat_map(later).map(|(first, second)| vec![names[first], second]).take(PAIRS_MAX);
    let create = |columns: Vec<&str>| {
        format!("CREATE INDEX idx_{0}_{1} ON {0} ({2})", table.name, columns.join("_"), columns.join(", "))
    };
    single.chain(pairs).map(create).collect()
}
