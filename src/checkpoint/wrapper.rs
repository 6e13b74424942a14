//! Names of models that were wrapped in PyTorch.

use super::Entries;
use std::mem;

/// What stands before every name of a wrapped model, and the wrapper.
const WRAPPERS: [(&str, &str); 2] = [("_orig_mod.", "torch.compile"), ("module.", "DataParallel")];

impl Entries {
    /// Removes the prefix that a wrapper of PyTorch has put before all names (`torch.compile`: `_orig_mod.`,
    /// `DataParallel` and `DistributedDataParallel`: `module.`), and returns it. `None`, and no change, if there is none.
    /// There may be another below it.
    pub fn strip_wrapper(&mut self) -> Option<&'static str> {
        let is_on_all =
            |prefix: &str| self.data.keys().all(|name| name.len() > prefix.len() && name.starts_with(prefix));
        let (prefix, _) = WRAPPERS.into_iter().find(|(prefix, _)| !self.data.is_empty() && is_on_all(prefix))?;
        *self = Entries { meta: mem::take(&mut self.meta), ..self.under(prefix) };
        Some(prefix)
    }
}

/// What messages say about names that a model lacks, if some of them come from a wrapper.
pub(super) fn hint(unexpected: &[String]) -> String {
    let is_used = |prefix: &str| unexpected.iter().any(|name| name.trim_start_matches('`').starts_with(prefix));
    let used = WRAPPERS.into_iter().filter(|(prefix, _)| is_used(prefix));
    used.map(|(prefix, wrapper)| format!(". `{prefix}`, of {wrapper}, is removed only where all names have it"))
        .collect()
}
