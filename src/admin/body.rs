//! Reading the body of a request within bounds of size and time.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, HttpBody};

use super::head::too_large;
use crate::error::{Code, Status};
use crate::limits;

/// The whole body: 413 if it is larger than the limit, 408 if it takes too long, 414 if it breaks off.
pub(super) async fn read(body: Body, time_max: Duration) -> Result<Vec<u8>, Status> {
    match tokio::time::timeout(time_max, read_all(body)).await {
        Ok(result) => result,
        Err(_) => Err(Status::new(Code::Timeout, "the body did not arrive in time")),
    }
}

/// Reads a body nobody wants, up to `bytes_max`: a caller that is still sending would otherwise lose the refusal.
pub(super) async fn discard(mut body: Body, bytes_max: usize, time_max: Duration) {
    let reading = async {
        let mut seen = 0_usize;
        while let Some(Ok(frame)) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
            seen = seen.saturating_add(frame.data_ref().map_or(0, |data| data.len()));
            if seen > bytes_max {
                break;
            }
        }
    };
    // Too slow or not, the answer is the same.
    let _ = tokio::time::timeout(time_max, reading).await;
}

async fn read_all(mut body: Body) -> Result<Vec<u8>, Status> {
    let (mut kept, mut seen) = (Vec::new(), 0_usize);
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let frame = frame.map_err(|_| Status::bad_parameter("the body broke off"))?;
        let Some(data) = frame.data_ref() else { continue };
        seen = seen.saturating_add(data.len());
        if seen <= limits::HTTP_BODY_BYTES_MAX {
            kept.extend_from_slice(data);
        } else {
            // What is too much is read on for a while: a caller that is still sending would otherwise lose the answer.
            kept = Vec::new();
            if seen > limits::HTTP_DISCARD_BYTES_MAX {
                break;
            }
        }
    }
    if seen > limits::HTTP_BODY_BYTES_MAX {
        return Err(too_large());
    }
    Ok(kept)
}
