//! PostgreSQL's cost formulas, each under the name of its function. They read numbers only: no plan, no catalog.

use super::settings::Settings;

/// The pages of an index that one descent is charged for (`DEFAULT_PAGE_CPU_MULTIPLIER`, `selfuncs.c`).
const PAGE_CPU_MULTIPLIER: f64 = 50.0;
/// Bytes that a bitmap keeps for a page: `PagetableEntry` and two pointers (`tbm_calculate_entries`, `tidbitmap.c`).
const BITMAP_ENTRY_BYTES: f64 = 64.0;
/// Header of a row that is sorted, aligned (`relation_byte_size`, `costsize.c`).
const SORT_ROW_HEADER: f64 = 24.0;
/// Memory for one input tape of a merge: its buffer and read-ahead (`tuplesort_merge_order`, `tuplesort.c`).
const TAPE_BYTES: f64 = 33.0 * 8192.0;
/// The share of an index's pages that its descents may be at most (`btcostestimate`, PostgreSQL 17 and later).
const DESCENTS_SHARE_MAX: f64 = 0.333_333_3;

/// The relation of a scan.
#[derive(Debug, Clone, Copy)]
pub(super) struct Table {
    pub pages: f64,
    pub tuples: f64,
    /// The fraction of its pages whose rows all transactions see.
    pub all_visible: f64,
    /// The pages of every relation of the statement, among which the cache is shared out.
    pub pages_of_statement: f64,
}

/// An index, and how a scan uses it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Descent {
    pub pages: f64,
    pub tuples: f64,
    pub height: f64,
    /// The fraction of the relation's rows that the boundary quals keep: what is read of the index.
    pub boundary_selectivity: f64,
    /// The fraction of the relation's rows that all index quals keep: what is fetched from the relation.
    pub selectivity: f64,
    /// Whether at most one entry can be found.
    pub finds_one: bool,
    /// Values of lists that are looked up one by one.
    pub n_array_scans: f64,
    /// Those among them whose lists are boundary quals.
    pub n_bounded_arrays: f64,
    pub n_quals: f64,
    /// Between the order of the index and that of the relation.
    pub correlation: f64,
}

/// What reading an index costs, without its relation.
#[derive(Debug, Clone, Copy)]
pub(super) struct IndexCost {
    pub startup: f64,
    pub total: f64,
}

/// A fraction of rows as a number of rows: whole, at least one (`clamp_row_est`).
pub(super) fn whole_rows(n_rows: f64) -> f64 {
    n_rows.round().max(1.0)
}

/// `cost_seqscan`, `costsize.c`.
pub(super) fn seq_scan(settings: &Settings, table: Table, qual_cost: f64) -> f64 {
    settings.seq_page * table.pages + (settings.cpu_tuple + qual_cost) * table.tuples
}

/// `index_pages_fetched`, `costsize.c`: the pages that fetching `n_tuples` in no order reads from disk, by Mackert and
/// Lohman, with the share of the cache that falls to the relation.
pub(super) fn index_pages_fetched(
    settings: &Settings,
    n_tuples: f64,
    pages: f64,
    index_pages: f64,
    pages_of_statement: f64,
) -> f64 {
    let pages = pages.max(1.0);
    let all_pages = (pages_of_statement + index_pages).max(1.0).max(pages);
    let cached = settings.cache_blocks * pages / all_pages;
    let cached = if cached <= 1.0 { 1.0 } else { cached.ceil() };
    let once = 2.0 * pages * n_tuples / (2.0 * pages + n_tuples);
    if pages <= cached {
        return if once >= pages { pages } else { once.ceil() };
    }
    let limit = 2.0 * pages * cached / (2.0 * pages - cached);
    if n_tuples <= limit { once.ceil() } else { (cached + (n_tuples - limit) * (pages - cached) / pages).ceil() }
}

/// `btcostestimate` and `genericcostestimate`, `selfuncs.c`.
pub(super) fn btree(settings: &Settings, table: Table, index: &Descent, n_loops: f64) -> IndexCost {
    let mut n_array_scans = index.n_array_scans.max(1.0);
    let n_tuples = if index.finds_one {
        1.0
    } else {
        (index.boundary_selectivity * table.tuples / index.n_bounded_arrays.max(1.0))
            .round()
            .clamp(1.0, index.tuples.max(1.0))
    };
    if settings.major >= 17 {
        n_array_scans = n_array_scans.min((index.pages * DESCENTS_SHARE_MAX).ceil()).max(1.0);
    }
    let has_share = index.pages > 1.0 && index.tuples > 1.0;
    let n_pages = if has_share { (n_tuples * index.pages / index.tuples).ceil() } else { 1.0 };
    let n_scans = n_array_scans * n_loops;
    let io = if n_scans > 1.0 {
        let all = n_pages * n_scans;
        let fetched = index_pages_fetched(settings, all, index.pages, index.pages, table.pages_of_statement);
        fetched * settings.random_page / n_loops
    } else {
        n_pages * settings.random_page
    };
    let quals = settings.cpu_operator * index.n_quals;
    let mut total = io + n_tuples * n_array_scans * (settings.cpu_index_tuple + quals);
    let compare = if index.tuples > 1.0 { index.tuples.log2().ceil() * settings.cpu_operator } else { 0.0 };
    let descend = compare + (index.height + 1.0) * PAGE_CPU_MULTIPLIER * settings.cpu_operator;
    total += n_array_scans * descend;
    IndexCost { startup: descend, total }
}

/// `cost_index`, `costsize.c`: startup and total cost of an index scan whose index costs `cost`.
pub(super) fn index_scan(
    settings: &Settings,
    table: Table,
    index: &Descent,
    cost: IndexCost,
    scan: &ScanUse,
) -> (f64, f64) {
    let n_tuples = whole_rows(index.selectivity * table.tuples);
    let in_heap = |pages: f64| if scan.is_index_only { (pages * (1.0 - table.all_visible)).ceil() } else { pages };
    let fetched = |n: f64| index_pages_fetched(settings, n, table.pages, index.pages, table.pages_of_statement);
    let in_order = (index.selectivity * table.pages).ceil();
    let (most, least) = if scan.n_loops > 1.0 {
        let most = in_heap(fetched(n_tuples * scan.n_loops)) * settings.random_page / scan.n_loops;
        let least = in_heap(fetched(in_order * scan.n_loops)) * settings.random_page / scan.n_loops;
        (most, least)
    } else {
        let pages = in_heap(in_order);
        let least = if pages > 0.0 { settings.random_page + (pages - 1.0) * settings.seq_page } else { 0.0 };
        (in_heap(fetched(n_tuples)) * settings.random_page, least)
    };
    let squared = index.correlation * index.correlation;
    let io = most + squared * (least - most);
    let cpu = (settings.cpu_tuple + scan.qual_cost) * n_tuples;
    (cost.startup, cost.total + io + cpu)
}

/// How a scan reads its relation.
#[derive(Debug, Clone, Copy)]
pub(super) struct ScanUse {
    pub n_loops: f64,
    pub is_index_only: bool,
    /// Per row, for the quals that the index does not answer.
    pub qual_cost: f64,
}

/// `cost_bitmap_heap_scan` and `compute_bitmap_pages`, `costsize.c`. `qual_cost` is that of all quals: they are
/// checked again.
pub(super) fn bitmap_heap_scan(
    settings: &Settings,
    table: Table,
    selectivity: f64,
    index_cost: f64,
    index_pages: f64,
    n_loops: f64,
    qual_cost: f64,
) -> (f64, f64) {
    let mut n_tuples = whole_rows(selectivity * table.tuples);
    let pages = table.pages.max(1.0);
    let fetched_once = 2.0 * pages * n_tuples / (2.0 * pages + n_tuples);
    let mut fetched = if n_loops > 1.0 {
        let all = n_tuples * n_loops;
        index_pages_fetched(settings, all, table.pages, index_pages, table.pages_of_statement) / n_loops
    } else {
        fetched_once
    };
    fetched = if fetched >= pages { pages } else { fetched.ceil() };
    let remembered = settings.work_mem_bytes / BITMAP_ENTRY_BYTES;
    let heap_pages = fetched_once.min(pages);
    if remembered < heap_pages {
        let lossy = (heap_pages - remembered / 2.0).max(0.0);
        let exact = heap_pages - lossy;
        n_tuples = whole_rows(selectivity * (exact / heap_pages) * table.tuples + (lossy / heap_pages) * table.tuples);
    }
    let page_cost = if fetched >= 2.0 {
        settings.random_page - (settings.random_page - settings.seq_page) * (fetched / pages).sqrt()
    } else {
        settings.random_page
    };
    let run = fetched * page_cost + (settings.cpu_tuple + qual_cost) * n_tuples;
    (index_cost, index_cost + run)
}

/// `cost_tuplesort`, `costsize.c`: startup and run cost of sorting rows, `n_wanted` of which are read.
pub(super) fn tuple_sort(settings: &Settings, n_rows: f64, width: f64, n_wanted: Option<f64>) -> (f64, f64) {
    let n_rows = n_rows.max(2.0);
    let row_bytes = (width / 8.0).ceil() * 8.0 + SORT_ROW_HEADER;
    let compare = 2.0 * settings.cpu_operator;
    let wanted = n_wanted.filter(|n| *n > 0.0 && *n < n_rows).unwrap_or(n_rows);
    let input = n_rows * row_bytes;
    let startup = if wanted * row_bytes > settings.work_mem_bytes {
        let pages = (input / 8192.0).ceil();
        let n_runs = input / settings.work_mem_bytes;
        let merge_order = (settings.work_mem_bytes / TAPE_BYTES).floor().clamp(6.0, 500.0);
        let passes = if n_runs > merge_order { (n_runs.ln() / merge_order.ln()).ceil() } else { 1.0 };
        let page_cost = settings.seq_page * 0.75 + settings.random_page * 0.25;
        compare * n_rows * n_rows.log2() + 2.0 * pages * passes * page_cost
    } else if n_rows > 2.0 * wanted || input > settings.work_mem_bytes {
        compare * n_rows * (2.0 * wanted).log2()
    } else {
        compare * n_rows * n_rows.log2()
    };
    (startup, settings.cpu_operator * n_rows)
}

/// `cost_incremental_sort`, `costsize.c`: startup and total cost over an input of these costs that is already in
/// `n_groups` groups.
pub(super) fn incremental_sort(
    settings: &Settings,
    (input_startup, input_total): (f64, f64),
    n_rows: f64,
    width: f64,
    n_groups: f64,
) -> (f64, f64) {
    let n_rows = n_rows.max(2.0);
    let n_groups = n_groups.clamp(1.0, n_rows);
    let compare = 2.0 * settings.cpu_operator;
    let (group_startup, group_run) = tuple_sort(settings, n_rows / n_groups, width, None);
    let group_input = (input_total - input_startup) / n_groups;
    let startup = group_startup + input_startup + group_input;
    let run = group_run
        + (group_run + group_startup) * (n_groups - 1.0)
        + group_input * (n_groups - 1.0)
        + (settings.cpu_tuple + compare) * n_rows
        + 2.0 * settings.cpu_tuple * n_groups;
    (startup, startup + run)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(one: f64, other: f64) -> bool {
        (one - other).abs() < 0.006
    }

    /// What PostgreSQL 15 says of `SELECT * FROM customer WHERE id = 5`, 20,000 rows on 242 pages: 0.29..8.30.
    #[test]
    fn one_row_by_a_unique_index() {
        let settings = Settings::defaults(15);
        let table = Table { pages: 242.0, tuples: 20_000.0, all_visible: 1.0, pages_of_statement: 242.0 };
        let index = Descent {
            pages: 57.0,
            tuples: 20_000.0,
            height: 1.0,
            boundary_selectivity: 1.0 / 20_000.0,
            selectivity: 1.0 / 20_000.0,
            finds_one: true,
            n_array_scans: 1.0,
            n_bounded_arrays: 1.0,
            n_quals: 1.0,
            correlation: 1.0,
        };
        let cost = btree(&settings, table, &index, 1.0);
        let scan = ScanUse { n_loops: 1.0, is_index_only: false, qual_cost: 0.0 };
        let (startup, total) = index_scan(&settings, table, &index, cost, &scan);
        assert!(near(startup, 0.29) && near(total, 8.305), "{startup}..{total}");
        let alone = ScanUse { is_index_only: true, ..scan };
        let (_, total) = index_scan(&settings, table, &index, cost, &alone);
        assert!(near(total, 4.305), "{total}");
    }

    #[test]
    fn pages_are_fetched_once_each_while_they_fit_into_the_cache() {
        let mut settings = Settings::defaults(15);
        assert_eq!(index_pages_fetched(&settings, 10.0, 1000.0, 50.0, 1000.0), 10.0);
        assert_eq!(index_pages_fetched(&settings, 1e6, 1000.0, 50.0, 1000.0), 1000.0);
        settings.cache_blocks = 100.0;
        assert!(index_pages_fetched(&settings, 1e6, 1000.0, 50.0, 1000.0) > 100_000.0);
    }

    #[test]
    fn a_sort_of_which_few_rows_are_wanted_is_cheaper_and_one_on_disk_dearer() {
        let mut settings = Settings::defaults(15);
        let all = tuple_sort(&settings, 10_000.0, 40.0, None).0;
        let few = tuple_sort(&settings, 10_000.0, 40.0, Some(10.0)).0;
        settings.work_mem_bytes = 65_536.0;
        let on_disk = tuple_sort(&settings, 10_000.0, 40.0, None).0;
        assert!(few < all && all < on_disk, "{few} {all} {on_disk}");
    }
}
