//! `shipctl policy --state`: what the state in a bucket needs.

use anyhow::anyhow;

use crate::cli::LineOptions;
use crate::credentials::AwsProvider;
use crate::exit;
use crate::load::store;
use crate::output::{Failure, print};
use crate::policy;

/// Prints what the state in a bucket needs.
pub(super) fn state(options: &LineOptions) -> Result<u8, Failure> {
    let Some(place) = store::wanted(options)? else {
        let message = "error: say which job, or which state with --state s3://bucket/prefix\n".to_owned();
        return Err(Failure { status: exit::USAGE, message });
    };
    let Some((bucket, prefix)) = store::bucket_of(&place) else {
        return Err(
            anyhow!("the state in {place} needs no policy of AWS: a bucket is s3://bucket/prefix").into()
        );
    };
    let partition = AwsProvider::new(None).partition();
    print(&format!("{:#}\n", policy::state(partition.name, bucket, prefix)))?;
    Ok(exit::SUCCESS)
}
