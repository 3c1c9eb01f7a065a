//! The `pgadvise` program.

fn main() {}
