//! A rule's docs page, made from its declaration.

use super::RuleMeta;

/// The page as Markdown: the id, the severity, then the rule's doc comment.
pub fn page(meta: &RuleMeta) -> String {
    let severity = format!("{:?}", meta.severity).to_lowercase();
    let needs: Vec<&str> = meta.needs.iter().map(|need| need.as_str()).collect();
    let body: String = meta.doc.lines().map(|line| format!("{}\n", line.strip_prefix(' ').unwrap_or(line))).collect();
    format!("# {}\n\nSeverity: {severity}. Needs: {}.\n\n{body}", meta.id, needs.join(", "))
}
