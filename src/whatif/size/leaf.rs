//! How many leaf pages CREATE INDEX fills with given rows: deduplication and page filling as `nbtsort.c` does them,
//! on a sample of the rows. Knows no statistics.

/// `ItemIdData`: a line pointer.
pub(super) const LINE_POINTER: f64 = 4.0;
/// A page less its header, special space, the high key's line pointer, and the next item's line pointer.
const PAGE_SPACE: f64 = 8144.0;
/// Free space below which a leaf page is closed: what `fillfactor` 90 leaves of a block.
const LEAF_FREE_MIN: f64 = 819.0;
/// What an item needs beside its own size, for the heap position of a high key.
const HIGH_KEY_POSITION: f64 = 8.0;
/// `ItemPointerData`: a heap position in a posting list.
const HEAP_POSITION: f64 = 6.0;
/// The largest posting list tuple that CREATE INDEX makes: `maxpostingsize` in `_bt_load` is a tenth of a block less a
/// line pointer, and tuples are aligned to 8.
const POSTING_TUPLE_MAX: f64 = 808.0;
/// Tuples that are laid out one by one before the rest is taken to go on the same way: many pages full.
const N_TUPLES_SAMPLED: f64 = 4000.0;

/// Equal keys: `n_groups` groups of `n_rows` rows each, of `row_bytes` bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Groups {
    pub n_groups: f64,
    pub n_rows: f64,
    pub row_bytes: f64,
}

/// Pages that the groups fill, as a fractional number.
pub(super) fn pages(groups: &[Groups], is_deduplicated: bool) -> f64 {
    groups.iter().flat_map(|group| whole_groups(*group)).map(|group| pages_of(group, is_deduplicated)).sum()
}

/// A fractional number of rows stands for groups of the two whole numbers around it.
fn whole_groups(group: Groups) -> [Groups; 2] {
    let (less, share) = (group.n_rows.floor(), group.n_rows.fract());
    [
        Groups { n_groups: group.n_groups * (1.0 - share), n_rows: less, ..group },
        Groups { n_groups: group.n_groups * share, n_rows: less + 1.0, ..group },
    ]
}

/// The tuples that one group becomes.
struct Tuples {
    /// Tuples that are as large as allowed, and bytes of each.
    n_full: f64,
    full: Tuple,
    /// What is left, if anything.
    last: Option<Tuple>,
}

#[derive(Clone, Copy)]
struct Tuple {
    bytes: f64,
    /// Bytes of its posting list, which a high key made of it does without.
    posting: f64,
}

impl Tuple {
    fn of_rows(n_rows: f64, row_bytes: f64) -> Self {
        let bytes = if n_rows < 2.0 { row_bytes } else { ((row_bytes + HEAP_POSITION * n_rows) / 8.0).ceil() * 8.0 };
        Self { bytes, posting: bytes - row_bytes }
    }
}

fn tuples(group: Groups, is_deduplicated: bool) -> Tuples {
    let per_tuple =
        if is_deduplicated { ((POSTING_TUPLE_MAX - group.row_bytes) / HEAP_POSITION).floor().max(1.0) } else { 1.0 };
    let n_full = (group.n_rows / per_tuple).floor();
    let n_left = group.n_rows - n_full * per_tuple;
    Tuples {
        n_full,
        full: Tuple::of_rows(per_tuple, group.row_bytes),
        last: (n_left >= 1.0).then(|| Tuple::of_rows(n_left, group.row_bytes)),
    }
}

fn pages_of(group: Groups, is_deduplicated: bool) -> f64 {
    if group.n_groups <= 0.0 || group.n_rows < 1.0 {
        return 0.0;
    }
    let tuples = tuples(group, is_deduplicated);
    let n_full = tuples.n_full.min(N_TUPLES_SAMPLED);
    let per_group = n_full + if tuples.last.is_some() { 1.0 } else { 0.0 };
    let n_sampled = (N_TUPLES_SAMPLED / per_group).clamp(1.0, group.n_groups.ceil()).floor();
    let mut level = Level::default();
    for _ in 0..n_sampled as u64 {
        for _ in 0..n_full as u64 {
            level.add(tuples.full);
        }
        if let Some(last) = tuples.last {
            level.add(last);
        }
    }
    level.pages() * (group.n_groups / n_sampled) * (tuples.n_full / n_full.max(1.0)).max(1.0)
}

/// The leaf level while it is written (`_bt_buildadd`).
#[derive(Default)]
struct Level {
    n_pages: f64,
    /// Bytes on the pages that are closed.
    bytes_closed: f64,
    /// Bytes on the open page, with line pointers.
    used: f64,
    n_on_page: u32,
    last: Option<Tuple>,
}

impl Level {
    fn add(&mut self, tuple: Tuple) {
        let free = PAGE_SPACE - self.used;
        let spared = self.last.map_or(0.0, |last| last.posting);
        let is_full = free < tuple.bytes + HIGH_KEY_POSITION || free + spared < LEAF_FREE_MIN;
        if let Some(last) = self.last.filter(|_| is_full && self.n_on_page > 1) {
            // The last item opens the next page; here it only stays behind as the high key.
            let moved = last.bytes + LINE_POINTER;
            self.n_pages += 1.0;
            self.bytes_closed += self.used - moved;
            self.used = moved;
            self.n_on_page = 1;
        }
        self.used += tuple.bytes + LINE_POINTER;
        self.n_on_page += 1;
        self.last = Some(tuple);
    }

    fn pages(&self) -> f64 {
        let per_page = if self.n_pages > 0.0 { self.bytes_closed / self.n_pages } else { PAGE_SPACE - LEAF_FREE_MIN };
        self.n_pages + self.used / per_page
    }
}
