//! What the shop's application runs: reads and writes with their frequencies. Makes texts; runs nothing.

/// A statement of the application: how often it runs in a round, and its text, in which `{n}` is a number that is
/// different each time.
struct Kind {
    n_calls: usize,
    text: &'static str,
}

const READS: [Kind; 18] = [
    Kind { n_calls: 300, text: "SELECT * FROM users WHERE email = 'user{n}@example.org'" },
    Kind { n_calls: 400, text: "SELECT * FROM users WHERE id = {n}" },
    Kind { n_calls: 200, text: "SELECT id, total FROM orders WHERE user_id = {n} ORDER BY created_at DESC LIMIT 10" },
    Kind { n_calls: 300, text: "SELECT * FROM orders WHERE id = {n}" },
    Kind { n_calls: 200, text: "SELECT * FROM order_lines WHERE order_id = {n}" },
    Kind {
        n_calls: 100,
        text: "SELECT l.quantity, p.sku FROM order_lines l JOIN products p ON p.id = l.product_id WHERE l.order_id = {n}",
    },
    Kind {
        n_calls: 100,
        text: "SELECT id, sku FROM products WHERE tenant_id = 1 + {n} % 50 AND category_id = 1 + {n} % 500 AND is_active \
               ORDER BY updated_at DESC LIMIT 20",
    },
    Kind { n_calls: 150, text: "SELECT id, price FROM products WHERE sku = 'SKU-{n}'" },
    Kind { n_calls: 200, text: "SELECT id FROM carts WHERE user_id = {n} AND status = 'open'" },
    Kind { n_calls: 200, text: "SELECT * FROM cart_lines WHERE cart_id = {n}" },
    Kind { n_calls: 100, text: "SELECT * FROM payments WHERE order_id = {n}" },
    Kind { n_calls: 50, text: "SELECT * FROM shipments WHERE tracking = 'T' || md5('{n}')" },
    Kind { n_calls: 50, text: "SELECT id FROM orders WHERE status = 'pending' ORDER BY created_at LIMIT 50" },
    Kind {
        n_calls: 50,
        text: "SELECT * FROM audit_events WHERE tenant_id = 1 + {n} % 50 AND created_at >= '2025-12-01' \
               ORDER BY created_at DESC LIMIT 50",
    },
    Kind { n_calls: 100, text: "SELECT * FROM categories WHERE slug = 'category-' || 1 + {n} % 500" },
    Kind { n_calls: 100, text: "SELECT url_hash FROM product_images WHERE product_id = {n} ORDER BY position" },
    Kind { n_calls: 100, text: "SELECT * FROM addresses WHERE user_id = {n}" },
    Kind { n_calls: 300, text: "SELECT * FROM tenants WHERE id = 1 + {n} % 50" },
];

const WRITES: [Kind; 11] = [
    Kind {
        n_calls: 300,
        text: "INSERT INTO orders (tenant_id, user_id, status, total, created_at) VALUES (1 + {n} % 50, {n}, 'pending', 10, now())",
    },
    Kind {
        n_calls: 900,
        text: "INSERT INTO order_lines (order_id, product_id, quantity, price) VALUES ({n}, 1 + {n} * 7 % 20000, 1, 10)",
    },
    Kind { n_calls: 300, text: "UPDATE orders SET status = 'done', paid_at = now() WHERE id = {n}" },
    Kind {
        n_calls: 300,
        text: "INSERT INTO payments (order_id, provider, status, amount, created_at) VALUES ({n}, 'card', 'settled', 10, now())",
    },
    Kind { n_calls: 900, text: "UPDATE products SET stock = stock - 1, updated_at = now() WHERE id = {n}" },
    Kind {
        n_calls: 1500,
        text: "INSERT INTO audit_events (tenant_id, user_id, kind, entity_id, created_at) \
               VALUES (1 + {n} % 50, {n}, 'kind ' || {n} % 15, {n}, now())",
    },
    Kind { n_calls: 600, text: "UPDATE users SET last_seen_at = now() WHERE id = {n}" },
    Kind { n_calls: 300, text: "UPDATE carts SET updated_at = now() WHERE id = {n}" },
    Kind {
        n_calls: 500,
        text: "INSERT INTO cart_lines (cart_id, product_id, quantity, added_at) VALUES ({n}, 1 + {n} * 3 % 20000, 1, now())",
    },
    Kind { n_calls: 100, text: "DELETE FROM cart_lines WHERE cart_id = {n}" },
    Kind {
        n_calls: 200,
        text: "INSERT INTO shipments (order_id, carrier, tracking, status, shipped_at) \
               VALUES ({n}, 'post', 'T' || md5('new {n}'), 'under way', now())",
    },
];

/// Numbers are below this: every relation that `{n}` finds rows in has as many.
const NUMBERS: usize = 20_000;
/// A prime, so that numbers come back late.
const STRIDE: usize = 7_919;

/// The reads of a round, in an order that repeats.
pub fn reads(round: usize) -> Vec<String> {
    texts(&READS, round)
}

/// The writes of a round.
pub fn writes(round: usize) -> Vec<String> {
    texts(&WRITES, round)
}

/// Each kind of statement with a few values.
pub fn samples() -> Vec<String> {
    let few = |kind: &Kind| [3, 4_711, 15_000].map(|n| kind.text.replace("{n}", &n.to_string()));
    READS.iter().chain(&WRITES).flat_map(few).collect()
}

fn texts(kinds: &[Kind], round: usize) -> Vec<String> {
    let of_kind = |kind: &Kind| {
        let text = kind.text;
        let number = move |call: usize| 1 + (round * 1_009 + call + 1) * STRIDE % (NUMBERS - 1);
        (0..kind.n_calls).map(move |call| text.replace("{n}", &number(call).to_string())).collect::<Vec<_>>()
    };
    kinds.iter().flat_map(of_kind).collect()
}
