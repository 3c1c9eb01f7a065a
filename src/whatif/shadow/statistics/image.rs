//! The bytes of extended statistics: columns and types in them are numbered as on the target, and are given the private
//! server's numbers. The formats are those of `mvdistinct.c`, `dependencies.c` and `mcv.c`, the same on 13 to 18, on
//! machines of little-endian byte order. Sends nothing.

use std::collections::BTreeMap;

use crate::pg::Oid;

/// `STATS_NDISTINCT_MAGIC`.
const N_DISTINCT_MAGIC: u32 = 0xA352_BFA4;
/// `STATS_DEPS_MAGIC`.
const DEPENDENCIES_MAGIC: u32 = 0xB454_9A2C;
/// `STATS_MCV_MAGIC`.
const MOST_COMMON_MAGIC: u32 = 0xE1A6_51C2;
/// Magic number, type and number of items.
const HEADER_BYTES: usize = 12;

/// The bytes of a hexadecimal text; `None` if it is none.
fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    digits.chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An image of `pg_ndistinct` with the numbers that `renumber` gives its columns; `None` if it is none.
pub(super) fn n_distinct(hex: &str, renumber: impl Fn(i16) -> Option<i16>) -> Option<String> {
    let mut image = Image::of(hex, N_DISTINCT_MAGIC)?;
    for _ in 0..image.n_items()? {
        image.skip(size_of::<f64>())?;
        let n_columns = image.int4()?;
        image.renumber(usize::try_from(n_columns).ok()?, &renumber)?;
    }
    image.finished()
}

/// An image of `pg_dependencies`, likewise.
pub(super) fn dependencies(hex: &str, renumber: impl Fn(i16) -> Option<i16>) -> Option<String> {
    let mut image = Image::of(hex, DEPENDENCIES_MAGIC)?;
    for _ in 0..image.n_items()? {
        image.skip(size_of::<f64>())?;
        let n_columns = image.int2()?;
        image.renumber(usize::try_from(n_columns).ok()?, &renumber)?;
    }
    image.finished()
}

/// An image of `pg_ndistinct`: the columns `numbers`, in ascending order, have `n_groups` combinations.
pub fn of_n_distinct(numbers: &[i16], n_groups: f64) -> String {
    let mut bytes = header(N_DISTINCT_MAGIC, 1);
    bytes.extend(n_groups.to_le_bytes());
    bytes.extend((numbers.len() as i32).to_le_bytes());
    bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    to_hex(&bytes)
}

/// An image of `pg_dependencies`: each of the columns `numbers` decides each other to `degree`, 0 to 1.
pub fn of_dependencies(numbers: &[i16], degree: f64) -> String {
    let pairs: Vec<[i16; 2]> = numbers
        .iter()
        .flat_map(|from| numbers.iter().filter(move |to| *to != from).map(move |to| [*from, *to]))
        .collect();
    let mut bytes = header(DEPENDENCIES_MAGIC, pairs.len() as u32);
    for pair in pairs {
        bytes.extend(degree.to_le_bytes());
        bytes.extend(2_i16.to_le_bytes());
        bytes.extend(pair.iter().flat_map(|number| number.to_le_bytes()));
    }
    to_hex(&bytes)
}

/// The magic number, the type, of which there is one, and the number of items.
fn header(magic: u32, n_items: u32) -> Vec<u8> {
    [magic, 1, n_items].iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// One column of a list of most common values.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Dimension {
    /// Its type.
    pub value_type: Oid,
    /// For an enum, the oids of labels on the target and here.
    pub labels: Option<BTreeMap<Oid, Oid>>,
}

/// An image of `pg_mcv_list` with these columns; `None` if it is none, of another number of columns, or with labels that
/// do not exist here.
pub(super) fn most_common_values(hex: &str, dimensions: &[Dimension]) -> Option<String> {
    let mut image = Image::of(hex, MOST_COMMON_MAGIC)?;
    image.n_items()?;
    if usize::try_from(image.int2()?).ok()? != dimensions.len() {
        return None;
    }
    for dimension in dimensions {
        image.put(&dimension.value_type.0.to_le_bytes())?;
    }
    let mut lengths = Vec::new();
    for _ in dimensions {
        lengths.push(image.dimension_length()?);
    }
    for (dimension, n_bytes) in dimensions.iter().zip(lengths) {
        match &dimension.labels {
            Some(labels) => image.relabel(n_bytes / size_of::<u32>(), labels)?,
            None => image.skip(n_bytes)?,
        }
    }
    Some(to_hex(&image.bytes))
}

/// Bytes that are read from the front.
struct Image {
    bytes: Vec<u8>,
    at: usize,
}

impl Image {
    fn of(hex: &str, magic: u32) -> Option<Self> {
        let bytes = from_hex(hex)?;
        (bytes.get(..4)? == magic.to_le_bytes()).then_some(Self { bytes, at: HEADER_BYTES })
    }

    /// The last number of the header.
    fn n_items(&self) -> Option<u32> {
        let number = self.bytes.get(HEADER_BYTES - 4..HEADER_BYTES)?;
        Some(u32::from_le_bytes(number.try_into().ok()?))
    }

    fn skip(&mut self, n_bytes: usize) -> Option<()> {
        self.at = self.at.checked_add(n_bytes).filter(|at| *at <= self.bytes.len())?;
        Some(())
    }

    fn int2(&mut self) -> Option<i16> {
        let number = self.bytes.get(self.at..self.at + 2)?.try_into().ok()?;
        self.skip(2)?;
        Some(i16::from_le_bytes(number))
    }

    fn int4(&mut self) -> Option<i32> {
        let number = self.bytes.get(self.at..self.at + 4)?.try_into().ok()?;
        self.skip(4)?;
        Some(i32::from_le_bytes(number))
    }

    fn put(&mut self, bytes: &[u8]) -> Option<()> {
        self.bytes.get_mut(self.at..self.at + bytes.len())?.copy_from_slice(bytes);
        self.skip(bytes.len())
    }

    /// Bytes of a column's values, from its `DimensionInfo`: their number, bytes, aligned bytes, `typlen`, `typbyval`.
    fn dimension_length(&mut self) -> Option<usize> {
        self.skip(size_of::<i32>())?;
        let n_bytes = self.int4()?;
        self.skip(3 * size_of::<i32>())?;
        usize::try_from(n_bytes).ok()
    }

    /// Gives the next `n_labels` values of an enum the oids that their labels have here.
    fn relabel(&mut self, n_labels: usize, labels: &BTreeMap<Oid, Oid>) -> Option<()> {
        for _ in 0..n_labels {
            let label = Oid(self.int4()?.cast_unsigned());
            self.at -= size_of::<Oid>();
            self.put(&labels.get(&label)?.0.to_le_bytes())?;
        }
        Some(())
    }

    /// Numbers the next `n_columns` columns anew.
    fn renumber(&mut self, n_columns: usize, renumber: &impl Fn(i16) -> Option<i16>) -> Option<()> {
        for _ in 0..n_columns {
            let number = self.int2()?;
            self.at -= 2;
            self.put(&renumber(number)?.to_le_bytes())?;
        }
        Some(())
    }

    /// The image, if all of it was read.
    fn finished(self) -> Option<String> {
        (self.at == self.bytes.len()).then(|| to_hex(&self.bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `{"1, 3": 2}` of a 15.
    const N_DISTINCT: &str = "a4bf52a30100000001000000000000000000004002000000010003 00";

    #[test]
    fn columns_are_renumbered() {
        let image = N_DISTINCT.replace(' ', "");
        let renumbered = n_distinct(&image, |number| Some(if number == 3 { 2 } else { number }));
        assert_eq!(renumbered.as_deref(), Some(image.replace("0100030", "0100020").as_str()));
        assert_eq!(n_distinct(&image, |number| (number == 1).then_some(1)), None);
    }

    #[test]
    fn what_is_made_is_what_a_server_makes() {
        assert_eq!(of_n_distinct(&[1, 3], 2.0), N_DISTINCT.replace(' ', ""));
        let both = of_dependencies(&[2, 5], 1.0);
        assert_eq!(dependencies(&both, Some), Some(both));
        assert_eq!(dependencies(&of_dependencies(&[2, 5, 6], 0.5), Some).map(|hex| hex.len() / 2), Some(12 + 6 * 14));
    }

    #[test]
    fn what_is_cut_off_or_something_else_is_none() {
        let image = N_DISTINCT.replace(' ', "");
        assert_eq!(n_distinct(&image[..image.len() - 2], Some), None);
        assert_eq!(n_distinct(&format!("{image}00"), Some), None);
        assert_eq!(n_distinct("", Some), None);
        assert_eq!(n_distinct("xy", Some), None);
        assert_eq!(dependencies(&image, Some), None);
        assert_eq!(most_common_values(&image, &[]), None);
    }

    #[test]
    fn types_and_enum_labels_of_a_list_are_replaced() {
        let plain = |value_type| Dimension { value_type: Oid(value_type), labels: None };
        let mood = |labels: &[(u32, u32)]| Dimension {
            value_type: Oid(77),
            labels: Some(labels.iter().map(|(theirs, ours)| (Oid(*theirs), Oid(*ours))).collect()),
        };
        // Two columns, the first with one value of 4 bytes, the second with labels 16 and 17.
        let info =
            |n_values: u32, n_bytes: u32| format!("{n_values:02x}000000{n_bytes:02x}0000000000000004000000010000 00");
        let image = |first: &str, second: &str, labels: &str| {
            let infos = info(1, 4) + &info(2, 8);
            format!("c251a6e101000000010000000200{first}{second}{infos}aaaaaaaa{labels}ff").replace(' ', "")
        };
        let given = image("17000000", "28230000", "1000000011000000");
        let made = most_common_values(&given, &[plain(23), mood(&[(16, 100), (17, 101)])]);
        assert_eq!(made.as_deref(), Some(image("17000000", "4d000000", "6400000065000000").as_str()));
        assert_eq!(most_common_values(&given, &[plain(23), mood(&[(16, 100)])]), None);
        assert_eq!(most_common_values(&given, &[plain(23)]), None);
    }
}
