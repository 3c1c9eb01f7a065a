//! The files of the shadow's relations: emptied for a moment, or stretched without taking room on the disk. Knows no
//! catalog and sends nothing.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

use super::btree::{self, PAGE_BYTES, Page};
use crate::error::{Error, Result, reason};

/// Blocks in one file of a relation: 1 GiB, `RELSEG_SIZE` as PostgreSQL is built everywhere.
const SEGMENT_BLOCKS: u64 = 131_072;

/// Whether a relation of so many blocks is stored in more than one file.
pub(super) fn has_several_segments(n_blocks: u64) -> bool {
    n_blocks >= SEGMENT_BLOCKS
}

/// Empties the relation stored at `path`, as its creation left it.
///
/// # Errors
/// Kind `Output`, when a file cannot be changed.
pub(super) fn shrink(path: &Path) -> Result<()> {
    for number in 0.. {
        let segment = segment(path, number);
        match OpenOptions::new().write(true).open(&segment) {
            Ok(file) => file.set_len(0).map_err(|error| failed(&segment, &error))?,
            Err(error) if error.kind() == ErrorKind::NotFound && number > 0 => break,
            Err(error) => return Err(failed(&segment, &error)),
        }
    }
    Ok(())
}

/// Gives the relation stored at `path` `n_blocks` blocks; never takes one away. The new blocks are holes in the file,
/// which read as pages that nobody has used yet.
///
/// # Errors
/// Kind `Output`, when a file cannot be changed.
pub(super) fn stretch(path: &Path, n_blocks: u64) -> Result<()> {
    let owner = std::fs::metadata(path).map_err(|error| failed(path, &error))?;
    let n_segments = n_blocks.div_ceil(SEGMENT_BLOCKS);
    for number in 0..n_segments {
        let segment = segment(path, number);
        let n_in_segment = (n_blocks - number * SEGMENT_BLOCKS).min(SEGMENT_BLOCKS);
        stretch_file(&segment, n_in_segment * PAGE_BYTES as u64, (owner.uid(), owner.gid()))
            .map_err(|error| failed(&segment, &error))?;
    }
    Ok(())
}

/// Gives the B-tree stored at `path`, which holds nothing yet, `n_blocks` blocks and this height.
///
/// # Errors
/// Kind `Output`, when the file cannot be changed; `Internal`, when it is no B-tree.
pub(super) fn stretch_btree(path: &Path, n_blocks: u64, height: u32) -> Result<()> {
    stretch(path, n_blocks)?;
    let height = btree::height_within(height, n_blocks);
    if n_blocks < 2 {
        return Ok(());
    }
    let pages = btree::pages(first_page(path)?, height)?;
    let written = OpenOptions::new().write(true).open(path).and_then(|mut file| file.write_all(&pages.concat()));
    written.map_err(|error| failed(path, &error))
}

/// Lets `change` change the first page of the file at `path`.
///
/// # Errors
/// Kind `Output`, when the file cannot be changed; `Internal`, with what `change` says.
pub(super) fn change_first_page(
    path: &Path,
    change: impl FnOnce(&mut Page) -> std::result::Result<(), String>,
) -> Result<()> {
    let before = first_page(path)?;
    let mut page = before;
    change(&mut page).map_err(|reason| Error::internal(format!("{}: {reason}", path.display())))?;
    if page == before {
        return Ok(());
    }
    let written = OpenOptions::new().write(true).open(path).and_then(|mut file| file.write_all(&page));
    written.map_err(|error| failed(path, &error))
}

/// The first page of the file at `path`; an empty page of an empty file.
fn first_page(path: &Path) -> Result<Page> {
    let mut page = [0; PAGE_BYTES];
    let read = File::open(path).and_then(|mut file| {
        let is_empty = file.metadata()?.len() == 0;
        if is_empty { Ok(()) } else { file.read_exact(&mut page) }
    });
    read.map_err(|error| failed(path, &error))?;
    Ok(page)
}

fn stretch_file(path: &Path, n_bytes: u64, (uid, gid): (u32, u32)) -> std::io::Result<()> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
    if file.metadata()?.uid() != uid {
        // Root made it, and the server runs under another account.
        fchown(&file, Some(uid), Some(gid))?;
    }
    if file.metadata()?.len() < n_bytes { file.set_len(n_bytes) } else { Ok(()) }
}

/// `16384`, `16384.1`, `16384.2` …
fn segment(path: &Path, number: u64) -> PathBuf {
    if number == 0 {
        return path.to_owned();
    }
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    PathBuf::from(name)
}

fn failed(path: &Path, error: &std::io::Error) -> Error {
    Error::output(format!("could not change a file of the shadow, {}: {}", path.display(), reason(error)))
        .with_hint("Make room in the folder for temporary files, or name another one in TMPDIR.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_grow_by_segments_without_taking_room_and_shrink_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("16384");
        std::fs::write(&path, []).expect("a file");
        stretch(&path, 2 * SEGMENT_BLOCKS + 3).expect("stretched");
        let length = |name: &str| std::fs::metadata(folder.path().join(name)).expect(name).len();
        assert_eq!([length("16384"), length("16384.1"), length("16384.2")], [1 << 30, 1 << 30, 3 * 8192]);
        assert!(std::fs::metadata(&path).expect("the file").blocks() < 100);
        stretch(&path, 1).expect("nothing to do");
        assert_eq!(length("16384"), 1 << 30);
        shrink(&path).expect("emptied");
        assert_eq!([length("16384"), length("16384.1"), length("16384.2")], [0, 0, 0]);
    }

    #[test]
    fn a_missing_file_is_an_error() {
        assert!(shrink(Path::new("/nonexistent/16384")).is_err());
        assert!(stretch(Path::new("/nonexistent/16384"), 1).is_err());
    }
}
