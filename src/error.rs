//! How errors print.

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
