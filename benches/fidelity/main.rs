//! How near the what-if machinery is to what a server really does. Prints tables; asserts nothing (the tests do, on smaller
//! data). Sections: `sizes`.
//!
//!     cargo bench --bench fidelity -- sizes 15        (major versions to run on; 15 when none is named)

mod corpus;
mod sizes;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let majors: Vec<u32> = arguments.iter().filter_map(|argument| argument.parse().ok()).collect();
    let majors = if majors.is_empty() { vec![15] } else { majors };
    sizes::print(&majors, arguments.iter().any(|argument| argument == "each"));
}
