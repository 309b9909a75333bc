//! `shipctl exec`
