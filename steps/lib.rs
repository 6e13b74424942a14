//! The course: numbered steps of *Deep Learning from scratch 5: generative models*, and what they share.
//!
//! A step may use any earlier step, never a later one. [`common`] holds what programs share and no lesson is about, [`em`]
//! the fast EM algorithm for mixtures of any size, whose lesson is step 5.

#![warn(clippy::disallowed_methods)]

/// Like the standard macro, but without a panic where nobody reads standard output any more, as in `step01 | head -1`: a
/// training must not be lost because of that. So are [`println!`] and [`eprintln!`].
#[macro_export]
macro_rules! print {
    ($($text:tt)*) => {{
        let _ = ::std::io::Write::write_fmt(&mut ::std::io::stdout(), ::std::format_args!($($text)*));
    }};
}

/// [`print!`] and the end of the line.
#[macro_export]
macro_rules! println {
    ($($line:tt)*) => { $crate::print!("{}\n", ::std::format_args!($($line)*)) };
}

/// A line on standard error, without a panic where nobody reads it.
#[macro_export]
macro_rules! eprintln {
    ($($line:tt)*) => {{
        let line = ::std::format_args!($($line)*);
        let _ = ::std::io::Write::write_fmt(&mut ::std::io::stderr(), ::std::format_args!("{line}\n"));
    }};
}

pub mod common;
pub mod em;
pub mod step01;
pub mod step02;
pub mod step03;
pub mod step04;
pub mod step05;
pub mod step06;
pub mod step07;
pub mod step08;
pub mod step09;
pub mod step10;
