//! Which threads calculate.

/// Makes the calling thread one of `threads` that calculate together (all cores, without a number). Where this is not
/// called, the first kernel that wants threads makes as many beside the calling one, which then sleeps and is woken for
/// each kernel: a training step of a small autoencoder spends a quarter of its time there.
///
/// # Errors
/// If the threads cannot be made, or were made before.
pub fn start(threads: Option<usize>) -> Result<(), rayon::ThreadPoolBuildError> {
    rayon::ThreadPoolBuilder::new().num_threads(threads.unwrap_or(0)).use_current_thread().build_global()
}
