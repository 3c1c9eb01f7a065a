//! Bytes of snapshot files in and out: compressed or not, never more than a limit. Knows nothing of what they say.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Error, ErrorKind, Read, Seek, Write};
use std::path::Path;

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

/// The most bytes of JSON that a snapshot has. What `collect` reads at most is about a quarter of it (10,000 relations
/// with values, 5,000 statements); beyond it is a file that was made to fill the memory.
pub(super) const JSON_BYTES_MAX: u64 = 1 << 30;

/// How a gzip file begins (RFC 1952, 2.3.1).
const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];

/// How files of other kinds begin that are easily taken for a snapshot, and what they are.
const OTHER_MAGIC: &[(&[u8], &str)] = &[
    (&[0x28, 0xb5, 0x2f, 0xfd], "it is compressed with zstd, and only gzip is read"),
    (&[0xfd, b'7', b'z', b'X', b'Z'], "it is compressed with xz, and only gzip is read"),
    (b"BZh", "it is compressed with bzip2, and only gzip is read"),
    (b"PK\x03\x04", "it is a zip archive, and only gzip is read"),
    (b"PGDMP", "it is a dump of a database"),
];

/// Endings of names that promise what is not written.
const OTHER_ENDINGS: &[&str] = &["zst", "zstd", "xz", "bz2", "lz4", "br", "zip", "7z"];

/// A reader of the JSON in `file`, from its beginning, `n_bytes_max` of it at most.
///
/// # Errors
/// Of the file; kind `InvalidData`, with the reason as its message, when what it holds cannot be JSON.
pub(super) fn reader(file: &mut File, n_bytes_max: u64) -> io::Result<impl Read> {
    file.rewind()?;
    let mut start = Vec::new();
    Read::by_ref(file).take(16).read_to_end(&mut start)?;
    file.rewind()?;
    if start.is_empty() {
        return Err(invalid("it is empty"));
    }
    if let Some((_, reason)) = OTHER_MAGIC.iter().find(|(magic, _)| start.starts_with(magic)) {
        return Err(invalid(reason));
    }
    let file = BufReader::with_capacity(1 << 16, file);
    let json: Box<dyn Read + '_> =
        if start.starts_with(GZIP_MAGIC) { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
    Ok(BufReader::with_capacity(1 << 16, Limited { inner: json, n_left: n_bytes_max }))
}

/// Refuses to read on beyond a limit, rather than pretending that the end is there.
struct Limited<R> {
    inner: R,
    n_left: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n_read = self.inner.read(buffer)?;
        match self.n_left.checked_sub(n_read as u64) {
            Some(n_left) => self.n_left = n_left,
            None => return Err(too_large()),
        }
        Ok(n_read)
    }
}

/// What is written where the name of the file is `path`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// JSON.
    Plain,
    /// JSON, compressed.
    Gzip,
}

impl Form {
    /// The form that the name asks for: `.gz` is compressed.
    ///
    /// # Errors
    /// The ending, where it is one of a compression that is not written.
    pub(super) fn of_name(path: &Path) -> Result<Self, String> {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
        match ending.as_str() {
            "gz" => Ok(Self::Gzip),
            other if OTHER_ENDINGS.contains(&other) => Err(ending),
            _ => Ok(Self::Plain),
        }
    }
}

/// Writes what `write` writes into `sink`, in this form.
pub(super) fn write(
    sink: impl Write,
    form: Form,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut sink = BufWriter::with_capacity(1 << 16, sink);
    match form {
        Form::Plain => write(&mut Bounded { inner: &mut sink, n_left: JSON_BYTES_MAX })?,
        Form::Gzip => {
            let mut encoder = GzEncoder::new(&mut sink, Compression::default());
            write(&mut BufWriter::with_capacity(1 << 16, Bounded { inner: &mut encoder, n_left: JSON_BYTES_MAX }))?;
            encoder.finish()?;
        }
    }
    sink.flush()
}

/// Refuses to write more than can be read again.
struct Bounded<W> {
    inner: W,
    n_left: u64,
}

impl<W: Write> Write for Bounded<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n_left = self.n_left.checked_sub(bytes.len() as u64).ok_or_else(too_large)?;
        let n_written = self.inner.write(bytes)?;
        self.n_left = n_left + (bytes.len() - n_written) as u64;
        Ok(n_written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

fn too_large() -> Error {
    Error::new(ErrorKind::FileTooLarge, format!("more than {} MB of JSON", JSON_BYTES_MAX >> 20))
}

fn invalid(reason: &str) -> Error {
    Error::new(ErrorKind::InvalidData, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_more_is_read_than_the_limit_nor_more_written() {
        let mut file = tempfile::tempfile().expect("a file");
        write(&file, Form::Gzip, |writer| writer.write_all(&vec![b' '; 3 << 20])).expect("written");
        assert!(file.metadata().expect("its size").len() < 10_000, "it is a bomb");
        let read =
            |file: &mut File, n_bytes_max| io::copy(&mut reader(file, n_bytes_max).expect("a reader"), &mut io::sink());
        assert_eq!(read(&mut file, 3 << 20).expect("within the limit"), 3 << 20);
        let error = read(&mut file, (3 << 20) - 1).expect_err("beyond the limit");
        assert_eq!(error.to_string(), "more than 1024 MB of JSON");
        let mut bounded = Bounded { inner: Vec::new(), n_left: 3 };
        bounded.write_all(b"abc").expect("within the limit");
        assert_eq!(bounded.write_all(b"d").expect_err("beyond the limit").kind(), ErrorKind::FileTooLarge);
    }
}
