//! Input that is made to harm: too long, too deep, lying about how much there is.

#[cfg(all(unix, feature = "cli"))]
mod files;
mod histories;
