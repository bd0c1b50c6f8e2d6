//! How much of an upstream answer is read? Never more than its caller expects.

use zeroize::Zeroizing;

/// The body, if it is no longer than `limit` bytes. Wiped when dropped: it may hold tokens.
pub(crate) async fn read(mut answer: reqwest::Response, limit: usize) -> Result<Zeroizing<Vec<u8>>, String> {
    let mut body = Zeroizing::new(Vec::new());
    while let Some(chunk) = answer.chunk().await.map_err(|error| error.without_url().to_string())? {
        if body.len() + chunk.len() > limit {
            return Err(format!("the answer is longer than {limit} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
