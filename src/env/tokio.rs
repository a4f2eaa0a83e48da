//! Production: tokio behind the seams.
