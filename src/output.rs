//! [`print!`](crate::print), [`println!`](crate::println) and [`eprintln!`](crate::eprintln) for programs whose work must
//! not be lost because nobody reads what they print.

/// As the standard macro, but without a panic where standard output is closed or full, as in `step01 | head -1`. So are
/// [`println!`](crate::println) and [`eprintln!`](crate::eprintln).
#[macro_export]
macro_rules! print {
    ($($text:tt)*) => {{
        let _ = ::std::io::Write::write_fmt(&mut ::std::io::stdout(), ::std::format_args!($($text)*));
    }};
}

/// [`print!`](crate::print) and the end of the line.
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
