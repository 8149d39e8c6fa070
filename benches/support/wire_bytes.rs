//! Frames as a load generator sees them: headers and lengths, no checksum, no body.

/// Bytes of a header.
pub const HEADER_BYTES: usize = 16;
/// Flag of a response.
const FLAG_RESPONSE: u8 = 1;

/// The part of a header that a counter needs.
#[derive(Clone, Copy, Default, Debug)]
pub struct FrameHeader {
    /// What the body is.
    pub kind: u16,
    /// Bytes of the body.
    pub length: u32,
    /// Whether it answers a request.
    pub response: bool,
}

impl FrameHeader {
    /// What the bare loop says to whom it has understood.
    pub const WELCOME: FrameHeader = FrameHeader { kind: 2, length: 0, response: true };

    /// The header of a made-up message frame of `bytes` bytes in all.
    pub fn message(bytes: usize) -> [u8; HEADER_BYTES] {
        FrameHeader { kind: 0x0380, length: (bytes - HEADER_BYTES) as u32, response: false }.encode([0; HEADER_BYTES])
    }

    /// Reads a header.
    pub fn decode(bytes: &[u8; HEADER_BYTES]) -> FrameHeader {
        FrameHeader {
            kind: u16::from_le_bytes([bytes[2], bytes[3]]),
            length: u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]),
            response: bytes[1] & FLAG_RESPONSE != 0,
        }
    }

    /// Writes the header into `bytes`, without a checksum.
    pub fn encode(self, mut bytes: [u8; HEADER_BYTES]) -> [u8; HEADER_BYTES] {
        bytes[0] = 0xC1;
        bytes[1] = u8::from(self.response);
        bytes[2..4].copy_from_slice(&self.kind.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.length.to_le_bytes());
        bytes
    }
}
