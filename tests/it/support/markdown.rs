//! Fixtures in Markdown: a `##` heading is a case, a fenced block an input or an expectation.

use std::path::{Path, PathBuf};

/// A fixture file, kept so that it can be written again with other expectations.
pub struct Fixture {
    path: PathBuf,
    lines: Vec<String>,
}

/// One case.
#[derive(Debug, Clone)]
pub struct Case {
    /// The heading.
    pub title: String,
    /// The blocks, in order.
    pub blocks: Vec<Block>,
}

/// One fenced block.
#[derive(Debug, Clone)]
pub struct Block {
    /// What follows the fence: `sql workload calls=1200`.
    pub label: String,
    /// What is between the fences.
    pub text: String,
    first_line: usize,
    n_lines: usize,
}

impl Block {
    /// The value of `name=value` in the label.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.label.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
    }
}

impl Case {
    /// The blocks whose label starts with `label`.
    pub fn blocks<'c>(&'c self, label: &'c str) -> impl Iterator<Item = &'c Block> {
        self.blocks.iter().filter(move |block| block.label == label || block.label.starts_with(&format!("{label} ")))
    }

    /// The first of them.
    pub fn block(&self, label: &str) -> Option<&Block> {
        self.blocks.iter().find(|block| block.label == label || block.label.starts_with(&format!("{label} ")))
    }
}

impl Fixture {
    /// Reads a file.
    pub fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self { path: path.to_owned(), lines: text.lines().map(str::to_owned).collect() }
    }

    /// Its cases.
    pub fn cases(&self) -> Vec<Case> {
        let mut cases: Vec<Case> = Vec::new();
        let mut open: Option<Block> = None;
        for (number, line) in self.lines.iter().enumerate() {
            match (&mut open, line.strip_prefix("```")) {
                (None, Some(label)) => {
                    let label = label.trim().to_owned();
                    open = Some(Block { label, text: String::new(), first_line: number + 1, n_lines: 0 });
                }
                (Some(_), Some(_)) => {
                    let block = open.take().expect("an open block");
                    cases.last_mut().expect("a heading before the first block").blocks.push(block);
                }
                (Some(block), None) => {
                    block.text.push_str(line);
                    block.text.push('\n');
                    block.n_lines += 1;
                }
                (None, None) => {
                    if let Some(title) = line.strip_prefix("## ") {
                        cases.push(Case { title: title.to_owned(), blocks: Vec::new() });
                    }
                }
            }
        }
        assert!(open.is_none(), "{}: a block is not closed", self.path.display());
        cases
    }

    /// Holds expectations against what came out: `(case, block label, actual text)`. All differences are told at
    /// once; with `UPDATE=1` the file is written with them instead.
    pub fn expect(&self, actual: &[(Case, &str, String)]) {
        let mut edits: Vec<(usize, usize, &str)> = Vec::new();
        let mut differences = String::new();
        for (case, label, text) in actual {
            let block = case
                .block(label)
                .unwrap_or_else(|| panic!("{}: no block \"{label}\" in \"{}\"", self.path.display(), case.title));
            if block.text != *text {
                edits.push((block.first_line, block.n_lines, text));
                differences
                    .push_str(&format!("## {}\n--- {label}, expected\n{}--- actual\n{text}", case.title, block.text));
            }
        }
        if edits.is_empty() {
            return;
        }
        assert!(
            super::expect::is_update(),
            "{} is not current; read the difference, then run again with UPDATE=1\n{differences}",
            self.path.display()
        );
        self.write(edits);
    }

    fn write(&self, mut edits: Vec<(usize, usize, &str)>) {
        let mut lines = self.lines.clone();
        edits.sort_by_key(|(first, ..)| std::cmp::Reverse(*first));
        for (first, n_lines, text) in edits {
            lines.splice(first..first + n_lines, text.lines().map(str::to_owned));
        }
        std::fs::write(&self.path, lines.join("\n") + "\n").expect("the fixture is written");
    }
}
