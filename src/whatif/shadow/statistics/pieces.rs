//! Many rows in few messages: a message that the server refuses is halved until the row that it does not take is alone.
//! Knows neither rows nor statements.

use crate::db::{Failure, ServerError};

/// Rows in one message.
const ROWS_MAX: usize = 1_000;
/// Bytes in one message, about.
const BYTES_MAX: usize = 4 << 20;

/// Sends all `rows` by `send`, of which `bytes` tells the size; each that is refused by itself is handed to `refuse`.
pub(super) fn send_in_pieces<T>(
    rows: &[T],
    bytes: impl Fn(&T) -> usize,
    mut send: impl FnMut(&[T]) -> Result<(), Failure>,
    mut refuse: impl FnMut(&T, ServerError) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut pieces = pieces(rows, bytes);
    pieces.reverse();
    while let Some(piece) = pieces.pop() {
        match (send(piece), piece) {
            (Ok(()), _) => {}
            (Err(Failure::Statement(refused)), [row]) => refuse(row, refused)?,
            (Err(Failure::Statement(_)), _) => {
                let (first, second) = piece.split_at(piece.len() / 2);
                pieces.extend([second, first]);
            }
            (Err(failure), _) => return Err(failure),
        }
    }
    Ok(())
}

fn pieces<T>(rows: &[T], bytes: impl Fn(&T) -> usize) -> Vec<&[T]> {
    let mut pieces = Vec::new();
    let (mut start, mut n_bytes) = (0, 0);
    for (end, row) in rows.iter().enumerate() {
        let own = bytes(row);
        if end > start && (end - start == ROWS_MAX || n_bytes + own > BYTES_MAX) {
            pieces.push(&rows[start..end]);
            (start, n_bytes) = (end, 0);
        }
        n_bytes += own;
    }
    if start < rows.len() {
        pieces.push(&rows[start..]);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal() -> Failure {
        Failure::Statement(ServerError {
            code: "22P02".to_owned(),
            message: String::new(),
            detail: None,
            hint: None,
            position: None,
        })
    }

    #[test]
    fn a_refused_row_is_found_and_the_others_are_sent_in_order() {
        let rows: Vec<usize> = (0..2_500).collect();
        let (mut sent, mut refused, mut n_messages) = (Vec::new(), Vec::new(), 0);
        let send = |piece: &[usize]| {
            n_messages += 1;
            if piece.contains(&1_234) {
                return Err(refusal());
            }
            sent.extend_from_slice(piece);
            Ok(())
        };
        let refuse = |row: &usize, _| {
            refused.push(*row);
            Ok(())
        };
        send_in_pieces(&rows, |_| 10, send, refuse).expect("sent");
        assert_eq!(refused, [1_234]);
        assert_eq!(sent, rows.iter().copied().filter(|row| *row != 1_234).collect::<Vec<_>>());
        assert!(n_messages < 25, "{n_messages}");
    }

    #[test]
    fn a_message_is_not_larger_than_it_must_be() {
        let rows = [BYTES_MAX, 1, 1, BYTES_MAX, BYTES_MAX + 1];
        let lengths: Vec<usize> = pieces(&rows, |bytes| *bytes).iter().map(|piece| piece.len()).collect();
        assert_eq!(lengths, [1, 2, 1, 1]);
        assert!(pieces(&[0; 0], |_| 1).is_empty());
    }
}
