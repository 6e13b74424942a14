//! How errors print.

/// Text of a file, as a message quotes it: in one line and without control characters, and no more than its beginning.
pub(crate) fn quotable(text: &str) -> String {
    let (start, rest) = text.split_at(text.char_indices().nth(200).map_or(text.len(), |(end, _)| end));
    let end = if rest.is_empty() { "" } else { "..." };
    start.replace(char::is_control, "\u{fffd}") + end
}

/// Implements `Debug` by `Display`: so `unwrap()`, `expect()` and a `main` that returns a `Result` print the sentence of
/// an error, and not the fields that it was made from. All errors of this workspace do.
#[macro_export]
macro_rules! debug_as_display {
    ($Error:ty) => {
        impl std::fmt::Debug for $Error {
            fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }
    };
}
